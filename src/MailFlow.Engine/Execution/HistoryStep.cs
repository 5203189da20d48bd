using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>What a line of history says. The letters are part of the data format.</summary>
public enum HistoryEvent
{
    /// <summary>The contact entered the journey (node: the trigger).</summary>
    Entered = 'E',

    /// <summary>The contact was not let in (node: the trigger).</summary>
    NotEntered = 'N',

    /// <summary>An activity was done.</summary>
    Completed = 'C',

    /// <summary>An activity waits.</summary>
    Suspended = 'S',

    /// <summary>An activity failed.</summary>
    Faulted = 'F',

    /// <summary>An operator had a failed activity run again.</summary>
    Retried = 'R',

    /// <summary>The instance came to its end.</summary>
    Finished = 'Z',

    /// <summary>The instance left early.</summary>
    Exited = 'X',

    /// <summary>An operator ended the instance.</summary>
    Cancelled = 'K',

    /// <summary>The instance went over to another version of its journey.</summary>
    Moved = 'M',

    /// <summary>It was to move and could not.</summary>
    Stayed = 'V',

    /// <summary>Something asked for could not be worked on and was laid aside, as a dead letter.</summary>
    LaidAside = 'L',
}

/// <summary>One line of history.</summary>
/// <param name="Node">The node's index; -1 for the instance itself.</param>
/// <param name="Event">What happened.</param>
/// <param name="Outcome">The exit port taken.</param>
/// <param name="Text">Why, in plain words.</param>
internal sealed record HistoryStep(int Node, HistoryEvent Event, string? Outcome, string? Text)
{
    public static HistoryStep OfInstance(InstanceStatus status, string? text) => new(-1, status switch
    {
        InstanceStatus.Exited => HistoryEvent.Exited,
        InstanceStatus.Cancelled => HistoryEvent.Cancelled,
        InstanceStatus.Faulted => HistoryEvent.Faulted,
        _ => HistoryEvent.Finished,
    }, null, text);
}
