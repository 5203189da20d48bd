using Confluent.Kafka;

namespace MailFlow.Ingestion.Kafka;

/// <summary>What all that is produced has in common: every replica in reach has it, and the client's own tries neither double nor reorder any.</summary>
internal static class KafkaProducer
{
    /// <summary>When the client gives a message up. Within the ten seconds that a publisher of facts has: one that came through after another node took over would be out of order.</summary>
    private static readonly TimeSpan GivesUpAfter = TimeSpan.FromSeconds(9);

    /// <summary>A producer, connected when it is first wanted.</summary>
    public static Lazy<IProducer<TKey, byte[]>> Of<TKey>(KafkaOptions options) => new(() =>
    {
        var config = options.Connect<ProducerConfig>();
        (config.Acks, config.EnableIdempotence, config.LingerMs, config.MessageTimeoutMs) = (Acks.All, true, 5, (int)GivesUpAfter.TotalMilliseconds);
        return new ProducerBuilder<TKey, byte[]>(config).Build();
    });
}
