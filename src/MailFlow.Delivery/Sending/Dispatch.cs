using System.Collections.Concurrent;
using System.Diagnostics;
using MailFlow.Data;
using MailFlow.Delivery.Routing;

namespace MailFlow.Delivery.Sending;

/// <summary>Renders the mails of one batch and hands each to its route's provider; every one of them comes back with an answer.</summary>
internal sealed class Dispatch(FlowControl control, Composer composer, Database database, DeliveryOptions options, IFaultPoints faults)
{
    /// <summary>Handed back, for another to send at once.</summary>
    public static readonly HandOver Stopping = new HandOver.Deferred("the sender was stopped before the hand-over");

    private static readonly HandOver LeaseOver = new HandOver.Deferred("the sender was too slow: its lease had run out before the hand-over");

    private readonly TimeProvider _time = database.Time;

    /// <summary>Hands over to every route at once, as one that is slow is to hold up no other. Gives the work of each.</summary>
    /// <param name="batch">What was taken up.</param>
    /// <param name="answers">Takes the answers, each as soon as it is known.</param>
    /// <param name="stopping">Starts no further hand-over; those under way are finished.</param>
    public IReadOnlyDictionary<Route, Task> Send(TakenBatch batch, HandOver?[] answers, CancellationToken stopping) => Enumerable.Range(0, answers.Length)
        .GroupBy(i => batch.Messages[i].Route).ToDictionary(group => group.Key, group => SendAsync(group.Key, [.. group], batch, answers, stopping));

    private async Task SendAsync(Route route, int[] indexes, TakenBatch batch, HandOver?[] answers, CancellationToken stopping)
    {
        var called = new ConcurrentBag<HandOver>();
        var emails = new ConcurrentDictionary<int, OutgoingEmail>();
        var bulk = route.Provider as IBulkEmailProvider;
        await Parallel.ForEachAsync(indexes, new ParallelOptions { MaxDegreeOfParallelism = bulk is null ? route.Provider.Concurrency : Environment.ProcessorCount }, async (i, _) =>
        {
            var (email, failure) = await ComposeAsync(batch, i);
            if (failure is not null) Answer(i, NotReached(batch.Messages[i], failure));
            else if (bulk is not null && !batch.Messages[i].IsAsked) emails[i] = email!;
            else if (WhyNotNow(batch, stopping) is { } reason) Answer(i, NotReached(batch.Messages[i], reason));
            else called.Add(Answer(i, await SendAsync(batch.Messages[i], email!, batch, stopping)));
        });
        foreach (var chunk in emails.Keys.Order().Chunk(bulk?.MaxBatch ?? int.MaxValue))
        {
            var (isLate, begun) = (WhyNotNow(batch, stopping), _time.GetUtcNow());
            var sent = isLate is not null
                ? Enumerable.Repeat(isLate, chunk.Length).ToArray()
                : await CallAsync(route.Provider, ct => bulk!.SendManyAsync([.. chunk.Select(i => emails[i])], ct), error => [.. chunk.Select(_ => error)], answers => answers[0]);
            for (var i = 0; i < chunk.Length; i++) Answer(chunk[i], isLate is null ? sent[i] : NotReached(batch.Messages[chunk[i]], sent[i]));
            if (isLate is not null) continue;
            foreach (var answer in sent) called.Add(answer);
            foreach (var i in chunk)
                using (var span = DeliveryMetrics.HandOver(database, batch.Messages[i], begun)) DeliveryMetrics.End(span, answers[i]!);
        }
        var pause = called.Max(answer => answer is HandOver.Deferred { IsProviders: true } deferred ? deferred.RetryAfter : null);
        // From the answers on: calls that time out take longer than the first pause.
        control.BreakerOf(route).Record(
            called.Count, called.Count(answer => answer is HandOver.Unknown { IsProviders: true } or HandOver.Deferred { IsProviders: true }), pause,
            (batch.At + _time.GetElapsedTime(batch.Started)).ToUnixTimeMilliseconds());

        HandOver Answer(int i, HandOver answer)
        {
            Volatile.Write(ref answers[i], answer);
            return answer;
        }
    }

    /// <summary>The provider was not reached this time. That says nothing of the time before: a mail that was in doubt still is, or a searchable provider would be given it without being asked.</summary>
    private static HandOver NotReached(TakenMessage taken, HandOver why) =>
        taken.Message.State == MessageState.Unknown ? new HandOver.Unknown(taken.Message.Reason ?? "no answer came", IsProviders: false) : why;

    private async Task<HandOver> SendAsync(TakenMessage taken, OutgoingEmail email, TakenBatch batch, CancellationToken stopping)
    {
        var provider = taken.Route.Provider;
        using var span = DeliveryMetrics.HandOver(database, taken);
        var answer = taken.IsAsked ? await CallAsync(provider, ct => provider.FindAsync(email, ct), error => error, found => found) : null;
        // The question may have taken its time. A mail that was not found is in doubt no more.
        if (answer is HandOver.Deferred && !taken.IsOnlyAsked) answer = WhyNotNow(batch, stopping);
        answer ??= await CallAsync(provider, ct => provider.SendAsync(email, ct), error => error, sent => sent);
        DeliveryMetrics.End(span, answer);
        return answer;
    }

    /// <summary>The lease is looked at again before the wire: another sender may have taken over what took too long.</summary>
    private HandOver? WhyNotNow(TakenBatch batch, CancellationToken stopping) =>
        stopping.IsCancellationRequested ? Stopping : _time.GetElapsedTime(batch.Started) >= options.Lease ? LeaseOver : null;

    private async Task<(OutgoingEmail?, HandOver?)> ComposeAsync(TakenBatch batch, int index)
    {
        try
        {
            return (await composer.ComposeAsync(batch.Messages[index], batch.At, CancellationToken.None), null);
        }
        catch (Exception error) when (database.Dialect.IsTransient(error))
        {
            return (null, new HandOver.Deferred($"the template could not be read: {error.Message}"));
        }
        catch (Exception error)
        {
            return (null, new HandOver.Rejected($"the template could not be rendered: {error.Message}"));
        }
    }

    private async Task<T> CallAsync<T>(IEmailProvider provider, Func<CancellationToken, Task<T>> call, Func<HandOver, T> failed, Func<T, HandOver> first)
    {
        faults.Reach("sender.provider.before-call");
        T answer;
        var started = Stopwatch.GetTimestamp();
        using var timeout = new CancellationTokenSource(provider.RequestTimeout, _time);
        try
        {
            answer = await call(timeout.Token);
        }
        catch (Exception error)
        {
            // Whatever broke, broke after the call began: the mail may have been taken.
            answer = failed(new HandOver.Unknown($"{provider.Name}: {(error is OperationCanceledException ? $"no answer within {provider.RequestTimeout.TotalSeconds:0} seconds" : error.Message)}"));
        }
        DeliveryMetrics.Called(database, provider, started, first(answer));
        faults.Reach("sender.provider.after-call");
        return answer;
    }
}
