using System.Globalization;
using Confluent.Kafka;
using MassTransit;

namespace MailFlow.Ingestion.Kafka;

/// <summary>Where a record of Kafka lies, and its key. The sequence is that of our reading, which is each partition's own.</summary>
internal sealed record KafkaOrigin(string Topic, int Partition, long Offset, byte[]? Key, ulong? SequenceNumber, DateTimeOffset? SentAt) : MessageOrigin(SentAt), ITransportSequenceNumber
{
    private const long LatestMs = 253_402_300_799_999;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, string Value)> Headers =>
    [
        ("mailflow-topic", Topic),
        ("mailflow-partition", Partition.ToString(CultureInfo.InvariantCulture)),
        ("mailflow-offset", Offset.ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>What Kafka says of a record. Its timestamp is the sender's or the broker's, and may be nonsense.</summary>
    public static KafkaOrigin Of(ConsumeResult<byte[], byte[]> record, ulong sequence) => new(
        record.Topic, record.Partition.Value, record.Offset.Value, record.Message.Key, sequence,
        record.Message.Timestamp.UnixTimestampMs is > 0 and <= LatestMs and var ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null);
}
