using System.Text;
using Confluent.Kafka;
using MailFlow.Engine.Facts;

namespace MailFlow.Ingestion.Kafka;

/// <summary>Facts on a topic of Kafka, keyed by <c>user_id</c>, in their order: the producer is idempotent, so that its own tries neither double nor reorder any.</summary>
internal sealed class KafkaFacts(IngestionOptions options) : IFactPublisher, IDisposable
{
    private readonly KafkaProducer<string> _producer = new(options.Kafka);

    /// <inheritdoc/>
    public Task PublishAsync(IReadOnlyList<PublishedFact> facts, CancellationToken ct) =>
        _producer.SendAsync(options.Kafka.FactTopic, facts.Select(MessageOf), ct);

    /// <inheritdoc/>
    public void Dispose() => _producer.Dispose();

    private static Message<string, byte[]> MessageOf(PublishedFact fact) => new()
    {
        Key = fact.UserId,
        Value = fact.Body,
        Headers = new() { { FactHeaders.Id, Encoding.UTF8.GetBytes(fact.Id.ToString()) }, { FactHeaders.Type, Encoding.UTF8.GetBytes(fact.Type) } },
    };
}
