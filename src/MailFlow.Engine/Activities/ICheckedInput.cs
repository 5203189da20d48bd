namespace MailFlow.Engine.Activities;

/// <summary>
/// An input record that can tell by itself whether it makes sense. It is asked before a publish wherever it depends on no contact, so that a slip is a finding and not an
/// incident a contact.
/// </summary>
public interface ICheckedInput
{
    /// <summary>What is wrong, in words that follow the activity's name ("needs exactly one of at and attribute"); null when nothing is.</summary>
    string? Problem();
}
