using System.Text;
using Confluent.Kafka;
using MailFlow.Engine.Facts;

namespace MailFlow.Ingestion.Kafka;

/// <summary>Facts on a topic of Kafka, keyed by <c>user_id</c>, in their order: the producer is idempotent, so that its own tries neither double nor reorder any.</summary>
internal sealed class KafkaFacts : IFactPublisher, IDisposable
{
    private readonly IngestionOptions _options;
    private readonly Lazy<IProducer<string, byte[]>> _producer;

    public KafkaFacts(IngestionOptions options)
    {
        _options = options;
        _producer = new(() =>
        {
            var config = options.Kafka.Connect<ProducerConfig>();
            (config.Acks, config.EnableIdempotence, config.LingerMs) = (Acks.All, true, 5);
            return new ProducerBuilder<string, byte[]>(config).Build();
        });
    }

    /// <inheritdoc/>
    public Task PublishAsync(IReadOnlyList<PublishedFact> facts, CancellationToken ct) =>
        Task.WhenAll(facts.Select(fact => _producer.Value.ProduceAsync(_options.Kafka.FactTopic, MessageOf(fact), ct)));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_producer.IsValueCreated) _producer.Value.Dispose();
    }

    private static Message<string, byte[]> MessageOf(PublishedFact fact) => new()
    {
        Key = fact.UserId,
        Value = fact.Body,
        Headers = new() { { FactHeaders.Id, Encoding.UTF8.GetBytes(fact.Id.ToString()) }, { FactHeaders.Type, Encoding.UTF8.GetBytes(fact.Type) } },
    };
}
