namespace MailFlow.Engine.Storage;

/// <summary>What waits for a shard's worker. The numbers are part of the data format.</summary>
public enum InboxKind
{
    /// <summary>An event from outside; the body is the event.</summary>
    Event = 1,

    /// <summary>The contact was changed by the API or by another journey.</summary>
    ContactChanged = 2,

    /// <summary>Start an instance: <c>{definition_id, input, entry: bool, activity}</c>; with an activity, at that trigger; the key is the instance's id.</summary>
    StartInstance = 3,

    /// <summary>A job's result: <c>{instance, node, visit, outcome, text, error}</c>.</summary>
    JobResult = 4,

    /// <summary>Run the failed steps of an instance again: <c>{instance}</c>.</summary>
    Retry = 5,

    /// <summary>Let an instance leave its failed steps: <c>{instance, outcome}</c>.</summary>
    Skip = 6,

    /// <summary>End an instance: <c>{instance, reason, exit: bool}</c>; as an exit, when the journey's own rules say so and no operator.</summary>
    Cancel = 7,

    /// <summary>Make a journey's parked instances due again: <c>{journey}</c>. Of no contact; one a shard.</summary>
    ResumeJourney = 8,

    /// <summary>Take an instance over to another version: <c>{instance, version, activity}</c>; with an activity, it goes on there and nowhere else.</summary>
    Move = 9,

    /// <summary>
    /// Move or exit all that wait in a journey: <c>{journey, except, version | reason, after, own: bool}</c>. Of no contact; looks through the instances of all
    /// shards, or through its own only.
    /// </summary>
    ForWaiting = 10,
}
