using System.Collections.Concurrent;
using MassTransit;

namespace MailFlow.Ingestion.RabbitMq;

/// <summary>
/// Lets messages into the batch in the order in which the broker sent them. The client hands them to as many threads as there are messages under way, and one that was overtaken
/// could end up in a later batch than those behind it. The broker numbers what it sends to a consumer, beginning with 1.
/// </summary>
internal sealed class InOrder : IFilter<ConsumeContext>
{
    /// <summary>Each connection is a consumer of its own, with numbers of its own; of the one before, which is kept for that, a message may come late.</summary>
    private readonly ConcurrentDictionary<string, Turns> _turns = new();

    /// <inheritdoc/>
    public async Task Send(ConsumeContext context, IPipe<ConsumeContext> next)
    {
        var message = context.ReceiveContext.GetPayload<RabbitMqBasicConsumeContext>();
        var turns = _turns.GetOrAdd(message.ConsumerTag, _ => new());
        Task sent;
        try
        {
            await turns.WaitAsync(message.DeliveryTag, context.CancellationToken);
            sent = next.Send(context); // returns when the batch has it, and ends when the batch does
        }
        finally
        {
            turns.Done(message.DeliveryTag);
        }
        await sent;
    }

    /// <inheritdoc/>
    public void Probe(ProbeContext context) => context.CreateFilterScope("in-order");

    private sealed class Turns
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<ulong, TaskCompletionSource> _waiting = [];
        private ulong _next = 1;

        public Task WaitAsync(ulong number, CancellationToken ct)
        {
            lock (_lock)
            {
                if (number <= _next) return Task.CompletedTask;
                return (_waiting[number] = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(ct);
            }
        }

        public void Done(ulong number)
        {
            TaskCompletionSource? waiting;
            lock (_lock)
            {
                _next = Math.Max(_next, number + 1);
                _waiting.Remove(_next, out waiting);
            }
            waiting?.SetResult();
        }
    }
}
