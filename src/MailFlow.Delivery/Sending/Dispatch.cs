using MailFlow.Data;

namespace MailFlow.Delivery.Sending;

/// <summary>Renders the mails of one batch and hands each to the provider; every one of them comes back with an answer.</summary>
internal sealed class Dispatch(IEmailProvider provider, Composer composer, Database database, DeliveryOptions options, IFaultPoints faults)
{
    private static readonly HandOver LeaseOver = new HandOver.Deferred("the sender was too slow: its lease had run out before the hand-over");
    private static readonly HandOver Stopping = new HandOver.Deferred("the sender was stopped before the hand-over");

    private readonly TimeProvider _time = database.Time;

    /// <param name="batch">What was taken up.</param>
    /// <param name="stopping">Starts no further hand-over; those under way are finished.</param>
    public async Task<HandOver[]> SendAsync(TakenBatch batch, CancellationToken stopping)
    {
        var answers = new HandOver[batch.Messages.Count];
        if (provider is IBulkEmailProvider bulk) await SendInBulkAsync(bulk, batch, answers, stopping);
        else
            await Parallel.ForAsync(0, answers.Length, new ParallelOptions { MaxDegreeOfParallelism = provider.Concurrency }, async (i, _) =>
            {
                var (email, failure) = await ComposeAsync(batch, i);
                answers[i] = failure ?? WhyNotNow(batch, stopping) ?? await SendAsync(batch.Messages[i], email!);
            });
        return answers;
    }

    private async Task SendInBulkAsync(IBulkEmailProvider bulk, TakenBatch batch, HandOver[] answers, CancellationToken stopping)
    {
        var emails = new OutgoingEmail?[answers.Length];
        await Parallel.ForAsync(0, answers.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (i, _) =>
        {
            (emails[i], var failure) = await ComposeAsync(batch, i);
            if (failure is not null) answers[i] = failure;
        });
        foreach (var chunk in Enumerable.Range(0, answers.Length).Where(i => emails[i] is not null).Chunk(bulk.MaxBatch))
        {
            var sent = WhyNotNow(batch, stopping) is { } reason
                ? Enumerable.Repeat(reason, chunk.Length).ToArray()
                : await CallAsync(ct => bulk.SendManyAsync([.. chunk.Select(i => emails[i]!)], ct), error => [.. chunk.Select(_ => error)]);
            for (var i = 0; i < chunk.Length; i++) answers[chunk[i]] = sent[i];
        }
    }

    private async Task<HandOver> SendAsync(TakenMessage taken, OutgoingEmail email)
    {
        if (taken.Message.State == MessageState.Unknown && provider.Replay == ReplayPolicy.Searchable)
        {
            var found = await CallAsync(ct => provider.FindAsync(email.MessageId, ct), error => error);
            if (found is not HandOver.Deferred) return found;
        }
        return await CallAsync(ct => provider.SendAsync(email, ct), error => error);
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

    private async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, Func<HandOver, T> failed)
    {
        faults.Reach("sender.provider.before-call");
        T answer;
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
        faults.Reach("sender.provider.after-call");
        return answer;
    }
}
