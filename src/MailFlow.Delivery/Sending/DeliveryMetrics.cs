using System.Diagnostics;
using System.Diagnostics.Metrics;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;

namespace MailFlow.Delivery.Sending;

/// <summary>What the sender counts and traces. A provider is named by its kind (sendgrid, smtp), never by an account's connection: the number of those has no bound. What a simulation does is not counted.</summary>
internal static class DeliveryMetrics
{
    private static readonly Meter Meter = new("MailFlow.Delivery");
    private static readonly ActivitySource Source = new("MailFlow.Delivery");

    private static readonly Counter<long> Messages = Meter.CreateCounter<long>("mailflow.messages", "{message}", "Messages that came to a state, by state and stream");
    private static readonly Histogram<double> CallDuration = Meter.CreateHistogram("mailflow.provider.duration", "s", "Calls of providers, by kind of provider and answer",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });
    private static readonly Histogram<double> Lag = Meter.CreateHistogram("mailflow.handover.lag", "s", "From when a message could have been taken up to its answer in the ledger",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600] });
    private static readonly Counter<long> Reports = Meter.CreateCounter<long>("mailflow.reports", "{call}", "Calls of providers' webhooks, opens and clicks, worked off");

    private static readonly KeyValuePair<string, object?>[] States = [.. Enum.GetValues<MessageState>().Select(state => KeyValuePair.Create("state", (object?)Word(state)))];
    private static readonly KeyValuePair<string, object?>[] Streams = [.. Enum.GetValues<MessageStream>().Select(stream => KeyValuePair.Create("stream", (object?)stream.ToString().ToLowerInvariant()))];

    /// <summary>A sender begins: what has not happened yet is there and is 0, so that its first time is seen as a rise.</summary>
    public static void Begin()
    {
        foreach (var state in States)
            foreach (var stream in Streams) Messages.Add(0, state, stream);
        Reports.Add(0);
    }

    /// <summary>The answers to a batch were written down.</summary>
    public static void Answered(Database database, TakenBatch batch, IEnumerable<Move> moves, long now)
    {
        if (database.IsInMemory) return;
        foreach (var (taken, move) in batch.Messages.Zip(moves))
        {
            Messages.Add(1, States[(int)move.State], Streams[(int)taken.Message.Stream]);
            Lag.Record(Math.Max(0, now - taken.Message.DueAt) / 1_000.0);
        }
    }

    /// <summary>Messages came to their ends, or into doubt, without being handed over.</summary>
    public static void Moved(Database database, IEnumerable<(MessageState State, MessageStream Stream)> messages)
    {
        if (database.IsInMemory) return;
        foreach (var (state, stream) in messages) Messages.Add(1, States[(int)state], Streams[(int)stream]);
    }

    /// <summary>A provider answered, for one mail or in bulk: the answer of the first stands for all.</summary>
    public static void Called(Database database, IEmailProvider provider, long started, HandOver answer)
    {
        if (database.IsInMemory) return;
        CallDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("provider", provider.Name), new KeyValuePair<string, object?>("answer", Word(answer)));
    }

    /// <summary>Reports were worked off.</summary>
    public static void WorkedOff(int reports)
    {
        if (reports > 0) Reports.Add(reports);
    }

    /// <summary>The span of handing a message over, in its instance's trace; null when nobody listens or it is not sampled.</summary>
    public static Activity? HandOver(Database database, TakenMessage taken, DateTimeOffset startedAt = default)
    {
        if (!Source.HasListeners() || database.IsInMemory || taken.Message.InstanceId is not { } instance) return null;
        return Source.StartActivity("mailflow.handover", ActivityKind.Client, InstanceTrace.Of(instance), startTime: startedAt)
            ?.SetTag("mailflow.message.id", taken.Message.Id).SetTag("mailflow.instance.id", instance).SetTag("mailflow.attempt", taken.Attempt).SetTag("mailflow.provider", taken.Route.Provider.Name);
    }

    /// <summary>How it went.</summary>
    public static void End(Activity? span, HandOver answer)
    {
        span?.SetTag("mailflow.answer", Word(answer));
        if (answer is not Delivery.HandOver.Accepted) span?.SetStatus(ActivityStatusCode.Error);
    }

    private static string Word(MessageState state) => state.ToString().ToLowerInvariant();

    private static string Word(HandOver answer) => answer switch
    {
        Delivery.HandOver.Accepted => "accepted",
        Delivery.HandOver.Rejected => "rejected",
        Delivery.HandOver.Deferred => "deferred",
        Delivery.HandOver.SenderFault => "fault",
        _ => "unknown",
    };
}
