using System.Reflection;
using MailFlow.Ingestion.RabbitMq;
using MassTransit;

namespace MailFlow.Ingestion.Tests;

/// <summary>Messages of two connections, one after the other, as the client's threads bring them.</summary>
public sealed class InOrderTests
{
    // Seen red: only the last consumer's numbers were known, so that "old 2" began to count anew, waited for ever, and then "new 2" did.
    [Fact]
    public void A_late_message_of_the_connection_before_holds_up_nothing()
    {
        var (filter, pipe) = (new InOrder(), new Pipe());
        Task[] sent = [.. new (string Consumer, ulong Number)[] { ("old", 1), ("new", 1), ("old", 2), ("new", 2) }.Select(each => filter.Send(Faked.Message(each.Consumer, each.Number), pipe))];
        Assert.All(sent, task => Assert.True(task.IsCompletedSuccessfully));
        Assert.Equal(4, pipe.Has.Count);
    }

    [Fact]
    public async Task Within_a_connection_none_overtakes_another()
    {
        var (filter, pipe) = (new InOrder(), new Pipe());
        var (third, second, first) = (Faked.Message("one", 3), Faked.Message("one", 2), Faked.Message("one", 1));
        await Task.WhenAll(new[] { third, second, first }.Select(message => filter.Send(message, pipe)));
        Assert.Equal([first, second, third], pipe.Has);
    }

    private sealed class Pipe : IPipe<ConsumeContext>
    {
        public List<ConsumeContext> Has { get; } = [];

        public Task Send(ConsumeContext context)
        {
            lock (Has) Has.Add(context);
            return Task.CompletedTask;
        }

        public void Probe(ProbeContext context)
        {
        }
    }

    /// <summary>A message as MassTransit hands it on, as far as the filter looks at it.</summary>
    public class Faked : DispatchProxy
    {
        private Func<MethodInfo, object?[], object?> _answer = null!;

        public static ConsumeContext Message(string consumer, ulong number)
        {
            var delivery = Of<RabbitMqBasicConsumeContext>((method, _) => method.Name switch { "get_ConsumerTag" => consumer, "get_DeliveryTag" => number, _ => throw new NotSupportedException(method.Name) });
            var received = Of<ReceiveContext>((method, arguments) => method.Name == "TryGetPayload" ? (arguments[0] = delivery) is not null : throw new NotSupportedException(method.Name));
            return Of<ConsumeContext>((method, arguments) => method.Name switch
            {
                "get_ReceiveContext" => received,
                "get_CancellationToken" => CancellationToken.None,
                _ => throw new NotSupportedException(method.Name),
            });
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _answer(targetMethod!, args!);

        private static T Of<T>(Func<MethodInfo, object?[], object?> answer) where T : class
        {
            var made = Create<T, Faked>();
            ((Faked)(object)made)._answer = answer;
            return made;
        }
    }
}
