using System.Diagnostics;
using System.Diagnostics.Metrics;
using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>What the engine counts. Recorded after commits, so that what was rolled back is not counted. No label names an account, a journey or a contact: their number has no bound. What a simulation does is not counted.</summary>
internal static class EngineMetrics
{
    private static readonly Meter Meter = new("MailFlow.Engine");

    private static readonly InstrumentAdvice<double> LagBuckets = new() { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600] };
    private static readonly InstrumentAdvice<double> DurationBuckets = new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] };
    private static readonly InstrumentAdvice<int> SizeBuckets = new() { HistogramBucketBoundaries = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000] };

    private static readonly Counter<long> Events = Meter.CreateCounter<long>("mailflow.events", "{event}", "Events that came from outside, by what became of them");
    private static readonly Counter<long> Transitions = Meter.CreateCounter<long>("mailflow.transitions", "{transition}", "Activities executed with their durable state");
    private static readonly Histogram<double> Lag = Meter.CreateHistogram("mailflow.lag", "s", "From when a stimulus was accepted or fell due to its commit", advice: LagBuckets);
    private static readonly Histogram<double> BatchDuration = Meter.CreateHistogram("mailflow.batch.duration", "s", "A worker's batch, from its claim to its commit", advice: DurationBuckets);
    private static readonly Histogram<int> BatchSize = Meter.CreateHistogram("mailflow.batch.size", "{stimulus}", "Stimuli in a batch", advice: SizeBuckets);
    private static readonly Counter<long> Incidents = Meter.CreateCounter<long>("mailflow.incidents", "{step}", "Steps that became incidents");
    private static readonly Counter<long> LaidAside = Meter.CreateCounter<long>("mailflow.laid_aside", "{stimulus}", "Stimuli that failed even alone and became dead letters or incidents");
    private static readonly Counter<long> BatchFailures = Meter.CreateCounter<long>("mailflow.batch.failures", "{batch}", "Batches that were rolled back");
    private static readonly Counter<long> Jobs = Meter.CreateCounter<long>("mailflow.jobs", "{attempt}", "Attempts at jobs such as webhooks, by result");
    private static readonly Histogram<double> JobDuration = Meter.CreateHistogram("mailflow.job.duration", "s", "Attempts at jobs such as webhooks", advice: DurationBuckets);
    private static readonly Counter<long> RetentionFailures = Meter.CreateCounter<long>("mailflow.retention.failures", "{run}", "Runs of the retention in which of some kind of data nothing could be dropped");

    private static readonly KeyValuePair<string, object?> Accepted = new("result", "accepted"), Duplicate = new("result", "duplicate"), Rejected = new("result", "rejected");
    private static readonly KeyValuePair<string, object?> Done = new("result", "done"), Retry = new("result", "retry");
    private static readonly KeyValuePair<string, object?> OfInbox = new("kind", "inbox"), OfTimer = new("kind", "timer");

    /// <summary>A worker begins: what has not happened yet is there and is 0, so that its first time is seen as a rise.</summary>
    public static void Begin()
    {
        foreach (var counter in new[] { Transitions, Incidents, LaidAside, BatchFailures, RetentionFailures }) counter.Add(0);
        foreach (var result in new[] { Done, Retry }) Jobs.Add(0, result);
    }

    /// <summary>Events were taken in, or not.</summary>
    public static void TookIn(Database database, int accepted, int duplicates, int rejected)
    {
        if (database.IsInMemory) return;
        if (accepted > 0) Events.Add(accepted, Accepted);
        if (duplicates > 0) Events.Add(duplicates, Duplicate);
        if (rejected > 0) Events.Add(rejected, Rejected);
    }

    /// <summary>A batch was committed.</summary>
    /// <param name="database">Where.</param>
    /// <param name="claim">What it took.</param>
    /// <param name="batch">What it did.</param>
    /// <param name="claimedAt">The database's clock at the claim.</param>
    /// <param name="started">This process's monotonic clock then.</param>
    public static void Committed(Database database, Claim claim, Batch batch, long claimedAt, long started)
    {
        if (database.IsInMemory) return;
        var took = Stopwatch.GetElapsedTime(started);
        Transitions.Add(batch.Transitions);
        if (batch.Incidents > 0) Incidents.Add(batch.Incidents);
        BatchDuration.Record(took.TotalSeconds);
        BatchSize.Record(claim.Count);
        if (!Lag.Enabled) return;
        var committedAt = claimedAt + took.TotalMilliseconds;
        foreach (var row in claim.Inbox) Lag.Record((committedAt - row.AcceptedAt) / 1_000, OfInbox);
        foreach (var row in claim.Due) Lag.Record((committedAt - row.DueAt!.Value) / 1_000, OfTimer);
    }

    /// <summary>A batch was rolled back.</summary>
    public static void RolledBack(Database database)
    {
        if (!database.IsInMemory) BatchFailures.Add(1);
    }

    /// <summary>What a batch of one took was laid aside.</summary>
    public static void WasLaidAside(Database database)
    {
        if (!database.IsInMemory) LaidAside.Add(1);
    }

    /// <summary>The retention failed for some kind of data.</summary>
    public static void RetentionFailed() => RetentionFailures.Add(1);

    /// <summary>A job was tried.</summary>
    public static void TriedJob(Database database, long started, bool isRetry)
    {
        if (database.IsInMemory) return;
        Jobs.Add(1, isRetry ? Retry : Done);
        JobDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }
}
