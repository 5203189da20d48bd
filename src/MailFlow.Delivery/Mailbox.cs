namespace MailFlow.Delivery;

/// <summary>An address with the name that a mail reader shows beside it.</summary>
/// <param name="Address">Where mail goes.</param>
/// <param name="DisplayName">The name in plain Unicode, or null or blank for none; quoting and encoding are the writer's work.</param>
public sealed record Mailbox(EmailAddress Address, string? DisplayName = null)
{
    /// <summary>The mailbox for a person to read; not the encoded header.</summary>
    public override string ToString() => string.IsNullOrWhiteSpace(DisplayName) ? Address.ToString() : $"{DisplayName} <{Address}>";
}
