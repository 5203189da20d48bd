namespace MailFlow.Journeys;

/// <summary>Where the times of schedules are kept while they are awaited.</summary>
/// <param name="ClusterConnectionString">PostgreSQL's, for Quartz's persistent store, which nodes share; null: in memory, made anew from the published journeys at each start.</param>
public sealed record ScheduleOptions(string? ClusterConnectionString = null)
{
    /// <summary>Leaves the connection string out, which holds a password.</summary>
    public override string ToString() => nameof(ScheduleOptions);
}
