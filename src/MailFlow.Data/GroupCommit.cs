using System.Threading.Channels;

namespace MailFlow.Data;

/// <summary>
/// Has what callers bring at the same time share one commit, so that a thousand single rows cost about as much as one group of a thousand. One writer; a caller waits for the
/// commit that its request is part of. When that fails, each of its callers is told.
/// </summary>
/// <typeparam name="TRequest">What one caller brings.</typeparam>
/// <typeparam name="TAnswer">What the caller is told.</typeparam>
public sealed class GroupCommit<TRequest, TAnswer> : IAsyncDisposable
{
    private readonly Channel<Request> _requests;
    private readonly Func<IReadOnlyList<TRequest>, Task<IReadOnlyList<TAnswer>>> _commit;
    private readonly Func<TRequest, long> _weight;
    private readonly long _most;
    private readonly Task _writer;

    /// <summary>Starts the writer.</summary>
    /// <param name="waiting">How many requests may wait; further callers wait to bring theirs.</param>
    /// <param name="most">How much weight one commit takes, the request that goes beyond it included.</param>
    /// <param name="weight">What a request weighs.</param>
    /// <param name="commit">Commits requests, at least one; gives an answer for each, in the same order.</param>
    public GroupCommit(int waiting, long most, Func<TRequest, long> weight, Func<IReadOnlyList<TRequest>, Task<IReadOnlyList<TAnswer>>> commit)
    {
        (_most, _weight, _commit) = (most, weight, commit);
        _requests = Channel.CreateBounded<Request>(new BoundedChannelOptions(waiting) { SingleReader = true });
        // What a caller's flow carries, such as the account it is walled in with, is not the writer's, who commits for all.
        using (ExecutionContext.SuppressFlow()) _writer = Task.Run(WriteAllAsync);
    }

    private sealed record Request(TRequest Brought, TaskCompletionSource<TAnswer> Answer);

    /// <summary>Brings a request; when it returns, the request is durable. Cancelling stops the waiting, not a commit that has begun.</summary>
    public async Task<TAnswer> CommitAsync(TRequest request, CancellationToken ct)
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _requests.Writer.WriteAsync(new Request(request, answer), ct);
        return await answer.Task.WaitAsync(ct);
    }

    /// <summary>Commits what was brought and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        await _writer;
    }

    private async Task WriteAllAsync()
    {
        var group = new List<Request>();
        while (await _requests.Reader.WaitToReadAsync())
        {
            group.Clear();
            for (long weight = 0; weight < _most && _requests.Reader.TryRead(out var request); weight += _weight(request.Brought)) group.Add(request);
            try
            {
                var answers = await _commit([.. group.Select(request => request.Brought)]);
                for (var i = 0; i < group.Count; i++) group[i].Answer.TrySetResult(answers[i]);
            }
            catch (Exception error)
            {
                foreach (var request in group) request.Answer.TrySetException(error);
            }
        }
    }
}
