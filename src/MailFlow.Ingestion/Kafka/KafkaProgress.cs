using Confluent.Kafka;

namespace MailFlow.Ingestion.Kafka;

/// <summary>
/// How far each partition has been handled. Records end in any order; what may be committed is what has no unhandled record before it. Used by the thread that reads, alone.
/// </summary>
internal sealed class KafkaProgress
{
    private readonly Dictionary<TopicPartition, Queue<(long Offset, Task Done)>> _partitions = [];

    /// <summary>How many records are under way, those that are done but wait for one before them included.</summary>
    public int UnderWay => _partitions.Values.Sum(records => records.Count);

    /// <summary>A record is under way; those of one partition come in the order of their offsets.</summary>
    public void Begin(TopicPartitionOffset place, Task done)
    {
        if (!_partitions.TryGetValue(place.TopicPartition, out var records)) _partitions.Add(place.TopicPartition, records = new());
        records.Enqueue((place.Offset, done));
    }

    /// <summary>Up to where each partition has been handled since this was last asked of it: the offset of the first record that has not.</summary>
    public List<TopicPartitionOffset> Handled() => Handled(_partitions.Keys);

    /// <summary>The same, of these partitions alone.</summary>
    public List<TopicPartitionOffset> Handled(IEnumerable<TopicPartition> partitions)
    {
        var handled = new List<TopicPartitionOffset>();
        foreach (var partition in partitions.Where(_partitions.ContainsKey))
        {
            var records = _partitions[partition];
            long? next = null;
            while (records.TryPeek(out var record) && record.Done.IsCompletedSuccessfully)
            {
                records.Dequeue();
                next = record.Offset + 1;
            }
            if (next is { } offset) handled.Add(new(partition, offset));
        }
        return handled;
    }

    /// <summary>Where to read again, because the record there was not handled. What was under way behind it is forgotten: it comes again too.</summary>
    public List<TopicPartitionOffset> Failed()
    {
        var failed = new List<TopicPartitionOffset>();
        foreach (var (partition, records) in _partitions)
            if (records.TryPeek(out var record) && record.Done is { IsCompleted: true, IsCompletedSuccessfully: false }) failed.Add(new(partition, record.Offset));
        foreach (var place in failed) Forget(place.TopicPartition);
        return failed;
    }

    /// <summary>What is under way of these partitions.</summary>
    public Task[] Of(IEnumerable<TopicPartition> partitions) => [.. partitions.Where(_partitions.ContainsKey).SelectMany(partition => _partitions[partition]).Select(record => record.Done)];

    /// <summary>What is under way, the oldest of each partition.</summary>
    public Task[] Oldest() => [.. _partitions.Values.Where(records => records.Count > 0).Select(records => records.Peek().Done)];

    /// <summary>The partition is another's.</summary>
    public void Forget(TopicPartition partition) => _partitions.Remove(partition);
}
