using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Execution;

/// <summary>What a token is doing.</summary>
internal enum TokenPhase : byte
{
    /// <summary>Its activity is to run.</summary>
    Ready = 0,

    /// <summary>At an activity that merges several branches, waiting for the others.</summary>
    Arrived = 1,

    /// <summary>Its activity waits for an instant, an event or the contact to change.</summary>
    Waiting = 2,

    /// <summary>Its activity's work is being done as a job.</summary>
    Job = 3,

    /// <summary>Its activity failed: an incident.</summary>
    Faulted = 4,

    /// <summary>At a nested flowchart that is running.</summary>
    Inside = 5,
}

/// <summary>One place in the workflow where an instance is.</summary>
internal sealed class Token
{
    /// <summary>The node's index in the graph.</summary>
    public int Node { get; set; }

    public TokenPhase Phase { get; set; }

    /// <summary>How many times the instance has come to this node, from 1; 0 while only <see cref="TokenPhase.Arrived"/>.</summary>
    public int Visit { get; init; }

    /// <summary>Since when it is here, Unix milliseconds.</summary>
    public long Since { get; init; }

    /// <summary>The connection it came by, or -1.</summary>
    public int Via { get; set; } = -1;

    /// <summary>It started the instance at a trigger, which is thereby done.</summary>
    public bool IsEntry { get; init; }

    /// <summary>When to wake a waiting one; null: never by time.</summary>
    public long? Wake { get; set; }

    /// <summary>The type of event that wakes a waiting one.</summary>
    public string? EventType { get; set; }

    /// <summary>Whether a change of the contact wakes a waiting one.</summary>
    public bool FollowsContact { get; set; }

    /// <summary>Why a <see cref="TokenPhase.Faulted"/> one failed; on one that is ready or waits, why it was held at a parked node.</summary>
    public string? Error { get; set; }

    /// <summary>Why it runs now. Lives only within a batch.</summary>
    public WakeReason Reason { get; set; }

    /// <summary>The event that woke it. Lives only within a batch.</summary>
    public IReadOnlyDictionary<string, object?>? WokenBy { get; set; }
}
