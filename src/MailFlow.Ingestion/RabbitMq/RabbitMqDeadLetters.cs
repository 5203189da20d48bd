using MassTransit;

namespace MailFlow.Ingestion.RabbitMq;

/// <summary>The dead letters of RabbitMQ: sent to their exchange, which their queue is bound to, and confirmed by the broker.</summary>
internal sealed class RabbitMqDeadLetters(IBus bus, IngestionOptions options) : IDeadLetterQueue
{
    /// <inheritdoc/>
    public async Task SendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken ct)
    {
        var endpoint = await bus.GetSendEndpoint(new Uri($"exchange:{options.RabbitMq.DeadLetters}"));
        await Task.WhenAll(letters.Select(letter => endpoint.Send(letter.Message, context =>
        {
            foreach (var (name, value) in letter.Headers) context.Headers.Set(name, value);
        }, ct)));
    }
}
