using System.Collections.Concurrent;
using Confluent.Kafka;

namespace MailFlow.Ingestion.Kafka;

/// <summary>Asks the brokers now and then how much of this node's partitions is not handled yet, and so notices when they are away or back.</summary>
internal sealed class KafkaLag : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<TopicPartition, long> _next = new();
    private readonly IConsumer<byte[], byte[]> _consumer;
    private readonly string _topic;
    private readonly IngestionMeter _meter;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _asking;

    public KafkaLag(IConsumer<byte[], byte[]> consumer, string topic, IngestionMeter meter, TimeProvider time)
    {
        (_consumer, _topic, _meter) = (consumer, topic, meter);
        _asking = Task.Run(() => AskAsync(time));
    }

    /// <summary>What a partition is called in the metric.</summary>
    public static string NameOf(TopicPartition partition) => $"{partition.Topic}/{partition.Partition.Value}";

    /// <summary>A partition has been handled up to here.</summary>
    public void Handled(TopicPartitionOffset place) => _next[place.TopicPartition] = place.Offset;

    /// <summary>Asks no more: the consumer is about to close.</summary>
    public void Stop()
    {
        _stopping.Cancel();
        _asking.Wait();
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    private async Task AskAsync(TimeProvider time)
    {
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            do
            {
                var isReached = Ask();
                if (!_stopping.IsCancellationRequested) _meter.Connected(isReached);
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }

    /// <summary>Whether a broker answers: about one of this node's partitions, or about any where it has none.</summary>
    private bool Ask()
    {
        try
        {
            var mine = _consumer.Assignment;
            if (mine.Count > 0) return mine.FindAll(Ask).Count > 0; // all are asked
            _consumer.QueryWatermarkOffsets(new TopicPartition(_topic, 0), Patience);
            return true;
        }
        catch (KafkaException)
        {
            return false;
        }
    }

    private bool Ask(TopicPartition partition)
    {
        if (_stopping.IsCancellationRequested) return false;
        try
        {
            var ends = _consumer.QueryWatermarkOffsets(partition, Patience);
            if (!_next.TryGetValue(partition, out var next))
                next = _consumer.Committed([partition], Patience)[0].Offset is { IsSpecial: false } committed ? committed.Value : ends.Low.Value;
            _meter.Lag(NameOf(partition), Math.Max(0, ends.High.Value - next));
            return true;
        }
        catch (KafkaException)
        {
            return false; // no broker, or the partition's leader is not elected: the lag that is known stands
        }
    }
}
