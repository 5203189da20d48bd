namespace MailFlow.Engine.Definitions;

/// <summary>What kind of difference there is between two definitions.</summary>
public enum ChangeKind
{
    /// <summary>An activity is new.</summary>
    Added,

    /// <summary>An activity is gone.</summary>
    Removed,

    /// <summary>An input or another setting is different.</summary>
    Changed,

    /// <summary>A connection is new.</summary>
    Connected,

    /// <summary>A connection between activities that are still there is gone.</summary>
    Disconnected,

    /// <summary>One of the journey's own rules is different.</summary>
    Rule,

    /// <summary>The journey or an activity is called something else.</summary>
    Renamed,
}

/// <summary>One difference between two definitions.</summary>
/// <param name="Kind">What kind.</param>
/// <param name="ActivityId">The activity; of a connection, where it leaves; null for the journey as a whole.</param>
/// <param name="ActivityName">What people call that activity now, or called it last.</param>
/// <param name="ActivityType">Its type.</param>
/// <param name="Input">The input's or rule's name in the definition; of a connection, the outcome.</param>
/// <param name="Before">What it was, in words; of a connection, where it led; null for nothing.</param>
/// <param name="After">What it is now, in words; of a connection, where it leads; null for nothing.</param>
/// <param name="Text">The difference as a sentence.</param>
public sealed record DefinitionChange(
    ChangeKind Kind, string? ActivityId, string? ActivityName, string? ActivityType, string? Input, string? Before, string? After, string Text);
