using Confluent.Kafka;

namespace MailFlow.Ingestion.Kafka;

/// <summary>
/// What all that is produced has in common: every replica in reach has it, and the client's own tries neither double nor reorder any. Connected when first wanted. For one
/// caller at a time.
/// </summary>
internal sealed class KafkaProducer<TKey>(KafkaOptions options) : IDisposable
{
    /// <summary>When the client gives a message up. Within the ten seconds that a publisher of facts has: one that came through after another node took over would be out of order.</summary>
    private static readonly TimeSpan GivesUpAfter = TimeSpan.FromSeconds(9);

    private IProducer<TKey, byte[]>? _client;

    /// <summary>
    /// Sends them, in this order. When it returns the broker has them for certain. When it fails the next try has a new client: one that can no longer keep its promise, as
    /// when a broker has lost what it had confirmed, sends nothing ever again, and its errors do not tell that from others.
    /// </summary>
    public async Task SendAsync(string topic, IEnumerable<Message<TKey, byte[]>> messages, CancellationToken ct)
    {
        var client = _client ??= Build();
        try
        {
            await Task.WhenAll(messages.Select(message => client.ProduceAsync(topic, message, ct)));
        }
        catch (KafkaException)
        {
            _client = null;
            await Task.Run(client.Dispose, CancellationToken.None); // it waits for its thread, which may be this
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client?.Dispose();

    private IProducer<TKey, byte[]> Build()
    {
        var config = options.Connect<ProducerConfig>();
        (config.Acks, config.EnableIdempotence, config.LingerMs, config.MessageTimeoutMs) = (Acks.All, true, 5, (int)GivesUpAfter.TotalMilliseconds);
        return new ProducerBuilder<TKey, byte[]>(config).Build();
    }
}
