using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace MailFlow.Ingestion;

/// <summary>What the meter <c>MailFlow.Ingestion</c> tells; docs/events.md lists it.</summary>
internal sealed class IngestionMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "MailFlow.Ingestion";

    private readonly ConcurrentDictionary<string, long> _lag = new();
    private readonly Counter<long> _messages;
    private readonly Histogram<int> _batches;
    private int _waiting, _connected, _paused, _partitions;

    /// <summary>The meter, one for each node in a process.</summary>
    internal Meter Meter { get; } = new(Name);

    public IngestionMeter()
    {
        _messages = Meter.CreateCounter<long>("mailflow.ingestion.messages", "{message}", "Messages done with, by outcome: accepted, duplicate, dead_letter.");
        _batches = Meter.CreateHistogram<int>("mailflow.ingestion.batch", "{message}", "Messages that shared one transaction.");
        Meter.CreateObservableGauge("mailflow.ingestion.lag", () => _lag.Select(each => new Measurement<long>(each.Value, KeyValuePair.Create("partition", (object?)each.Key))),
            "{message}", "Messages at the broker that are not done with, by partition (RabbitMQ: the queue).");
        Meter.CreateObservableGauge("mailflow.ingestion.connected", () => _connected, "{connection}", "1 while the broker is within reach.");
        Meter.CreateObservableGauge("mailflow.ingestion.partitions", () => _partitions, "{partition}", "Partitions that this node reads.");
        Meter.CreateObservableGauge("mailflow.ingestion.paused", () => _paused, "{consumer}", "1 while partitions are paused, because too much is under way.");
        Meter.CreateObservableGauge("mailflow.ingestion.waiting", () => _waiting, "{batch}", "Batches that wait for the database, the inbox or the dead letters.");
    }

    /// <summary>Intake begins: what has not happened yet is there and is 0, so that its first time is seen as a rise.</summary>
    public void Begin()
    {
        foreach (var outcome in new[] { "accepted", "duplicate", "dead_letter" }) _messages.Add(0, KeyValuePair.Create("outcome", (object?)outcome));
    }

    /// <summary>Whether the broker is within reach; gives whether that is news.</summary>
    public bool Connected(bool isConnected) => Interlocked.Exchange(ref _connected, isConnected ? 1 : 0) != (isConnected ? 1 : 0);

    /// <summary>Whether partitions are paused.</summary>
    public void Paused(bool isPaused) => _paused = isPaused ? 1 : 0;

    /// <summary>How many partitions this node reads.</summary>
    public void Partitions(int count) => _partitions = count;

    /// <summary>How much a partition, or a queue, still holds.</summary>
    public void Lag(string partition, long messages) => _lag[partition] = messages;

    /// <summary>This node has the partition no longer.</summary>
    public void NoLag(string partition) => _lag.TryRemove(partition, out _);

    /// <summary>A batch is done with.</summary>
    public void Taken(int accepted, int duplicates, int deadLetters)
    {
        Count(accepted, "accepted");
        Count(duplicates, "duplicate");
        Count(deadLetters, "dead_letter");
        _batches.Record(accepted + duplicates + deadLetters);
    }

    /// <summary>A batch waits until what is given is disposed of.</summary>
    public IDisposable Wait()
    {
        Interlocked.Increment(ref _waiting);
        return new Waiting(this);
    }

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    private void Count(int messages, string outcome)
    {
        if (messages > 0) _messages.Add(messages, KeyValuePair.Create("outcome", (object?)outcome));
    }

    private sealed class Waiting(IngestionMeter meter) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref meter._waiting);
    }
}
