using Confluent.Kafka;

namespace MailFlow.Ingestion.Kafka;

/// <summary>Knows this node's partitions, and asks the brokers now and then how much of them is not handled yet; so it notices when they are away or back.</summary>
internal sealed class KafkaLag : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<TopicPartition, long?> _mine = []; // up to where each has been handled, once that is known
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

    /// <summary>The partitions are this node's.</summary>
    public void Take(IEnumerable<TopicPartition> partitions)
    {
        lock (_lock)
        {
            foreach (var partition in partitions) _mine.TryAdd(partition, null);
            _meter.Partitions(_mine.Count);
        }
    }

    /// <summary>They are another's. How far that one comes is not seen from here: should they come back, it is asked anew.</summary>
    public void Forget(IEnumerable<TopicPartition> partitions)
    {
        lock (_lock)
        {
            foreach (var partition in partitions)
            {
                _mine.Remove(partition);
                _meter.NoLag(NameOf(partition));
            }
            _meter.Partitions(_mine.Count);
        }
    }

    /// <summary>A partition has been handled up to here.</summary>
    public void Handled(TopicPartitionOffset place)
    {
        lock (_lock)
            if (_mine.ContainsKey(place.TopicPartition)) _mine[place.TopicPartition] = place.Offset.Value;
    }

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
            List<TopicPartition> mine;
            lock (_lock) mine = [.. _mine.Keys];
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
            var committed = HandledOf(partition) is null ? _consumer.Committed([partition], Patience)[0].Offset : Offset.Unset;
            lock (_lock)
            {
                if (!_mine.TryGetValue(partition, out var handled)) return true; // given up meanwhile
                var next = handled ?? (committed.IsSpecial ? ends.Low.Value : committed.Value);
                _meter.Lag(NameOf(partition), Math.Max(0, ends.High.Value - next));
            }
            return true;
        }
        catch (KafkaException)
        {
            return false; // no broker, or the partition's leader is not elected: the lag that is known stands
        }
    }

    private long? HandledOf(TopicPartition partition)
    {
        lock (_lock) return _mine.GetValueOrDefault(partition);
    }

    private static string NameOf(TopicPartition partition) => $"{partition.Topic}/{partition.Partition.Value}";
}
