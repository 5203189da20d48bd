using MassTransit;

namespace MailFlow.Ingestion;

/// <summary>What MassTransit hands batches to, whatever transport they come by. When it returns, the batch may be acknowledged.</summary>
internal sealed class EventBatchConsumer(EventTaker taker) : IConsumer<Batch<EventMessage>>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<Batch<EventMessage>> context) => taker.TakeAsync([.. context.Message.Select(message => message.Message)], context.CancellationToken);
}
