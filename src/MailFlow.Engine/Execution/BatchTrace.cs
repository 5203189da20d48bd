using System.Diagnostics;
using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Spans of events and batches. An event's intake belongs to its request's trace; where that one is sampled, its context goes with the event through the inbox, and the batch that works
/// it off adds to it. Written after the commit, and only when somebody listens.
/// </summary>
internal static class BatchTrace
{
    private const string Member = ",\"traceparent\":\"";
    private const int ContextLength = 55; // 00-<32>-<16>-<2>

    private static readonly ActivitySource Source = new("MailFlow.Engine");

    /// <summary>The span of taking events in; null when nobody listens or its trace is not sampled.</summary>
    public static Activity? Intake(Database database, int events) =>
        database.IsInMemory ? null : Source.StartActivity("mailflow.intake")?.SetTag("mailflow.events", events);

    /// <summary>The last member of an event's body in the inbox: the trace that it came in, if that is sampled.</summary>
    public static string Link(Activity? intake) => intake is { Recorded: true, Id.Length: ContextLength } ? $"{Member}{intake.Id}\"" : "";

    /// <summary>A batch was committed.</summary>
    public static void Committed(Database database, Claim claim, Batch batch, IReadOnlyList<int> shards, DateTimeOffset startedAt)
    {
        if (!Source.HasListeners() || database.IsInMemory) return;
        using var span = Source.StartActivity("mailflow.batch", ActivityKind.Internal, default(ActivityContext), startTime: startedAt);
        span?.SetTag("mailflow.shards", string.Join(' ', shards)).SetTag("mailflow.stimuli", claim.Count).SetTag("mailflow.transitions", batch.Transitions);
        ActivityLink[] links = span is null ? [] : [new ActivityLink(span.Context)];
        Activity.Current = null;
        foreach (var row in claim.Inbox)
            if (ContextOf(row.Body) is { } context)
                using (var worked = Source.StartActivity("mailflow.event", ActivityKind.Consumer, context, links: links, startTime: startedAt))
                    worked?.SetTag("mailflow.instances", string.Join(' ', batch.TouchedBy(row)));
        foreach (var instance in batch.Touched)
            using (var moved = Source.StartActivity("mailflow.instance", ActivityKind.Internal, InstanceTrace.Of(instance.Id), links: links, startTime: startedAt))
                moved?.SetTag("mailflow.instance.id", instance.Id).SetTag("mailflow.journey", instance.Version.Info.DefinitionId).SetTag("mailflow.status", instance.Status.ToString());
    }

    /// <summary>By its place at the body's end alone, where nothing of the sender's can stand.</summary>
    private static ActivityContext? ContextOf(string body)
    {
        var at = body.Length - 2 - ContextLength - Member.Length;
        if (at <= 0 || string.CompareOrdinal(body, at, Member, 0, Member.Length) != 0) return null;
        return ActivityContext.TryParse(body.Substring(at + Member.Length, ContextLength), null, isRemote: true, out var context) ? context : null;
    }
}
