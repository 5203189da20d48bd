using System.Text;
using Confluent.Kafka;

namespace MailFlow.Ingestion.Kafka;

/// <summary>
/// The dead letters of Kafka: a topic with the same keys. What is too large to be an event is cut, so that the topic takes it; its headers say where the whole of it lies.
/// </summary>
internal sealed class KafkaDeadLetters(IngestionOptions options) : IDeadLetterQueue, IDisposable
{
    private const int MostBytes = 300 * 1024, KeptOfTooLarge = 16 * 1024, LongestKey = 16 * 1024;

    private readonly KafkaProducer<byte[]> _producer = new(options.Kafka);

    /// <inheritdoc/>
    public Task SendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken ct) =>
        _producer.SendAsync(options.Kafka.DeadLetters, letters.Select(MessageOf), ct);

    /// <inheritdoc/>
    public void Dispose() => _producer.Dispose();

    private static Message<byte[], byte[]> MessageOf(DeadLetter letter)
    {
        var (body, key) = (letter.Message.Body, (letter.Message.Origin as KafkaOrigin)?.Key);
        var headers = new Headers();
        foreach (var (name, value) in letter.Headers) headers.Add(name, Encoding.UTF8.GetBytes(value));
        if (body.Length > MostBytes)
        {
            headers.Add("mailflow-cut-from", Encoding.UTF8.GetBytes($"{body.Length} bytes"));
            body = body[..KeptOfTooLarge];
        }
        return new() { Key = key is { Length: <= LongestKey } ? key : null!, Value = body.ToArray(), Headers = headers };
    }
}
