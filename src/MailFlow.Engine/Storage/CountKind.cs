namespace MailFlow.Engine.Storage;

/// <summary>What a row of <c>journey_count</c> counts. The numbers are part of the data format.</summary>
public enum CountKind
{
    /// <summary>Instances that began (node -1).</summary>
    Entered = 1,

    /// <summary>Instances that came to their end (node -1).</summary>
    Completed = 2,

    /// <summary>Instances that left early or were cancelled (node -1).</summary>
    Exited = 3,

    /// <summary>Instances that stand still with an incident now (node -1).</summary>
    Faulted = 4,

    /// <summary>How often an activity was done.</summary>
    Passed = 10,

    /// <summary>How many instances wait at an activity now.</summary>
    Waiting = 11,

    /// <summary>How many instances failed at an activity and are not mended.</summary>
    Failed = 12,
}
