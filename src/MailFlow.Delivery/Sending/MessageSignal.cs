using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>Wakes this process's sender: call it after a commit that queued mail, so that it need not wait for the next poll.</summary>
public sealed class MessageSignal : INodeSignal, IDisposable
{
    private readonly SemaphoreSlim _raised = new(0, 1);

    /// <inheritdoc/>
    public event Action<ulong>? Raised;

    /// <inheritdoc/>
    public string Topic => "messages";

    /// <summary>There may be mail to send. Cheap, never blocks; many calls count as one.</summary>
    public void Notify()
    {
        Raised?.Invoke(1);
        try
        {
            if (_raised.CurrentCount == 0) _raised.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another call was first: the sender is awake already.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _raised.Dispose();

    void INodeSignal.Hear(ulong which) => Notify();

    /// <summary>Waits for a call of <see cref="Notify"/>, or for one of these tasks, at most so long: then it is time for a poll.</summary>
    internal async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct, params IEnumerable<Task> others)
    {
        using var timeout = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        var raised = _raised.WaitAsync(either.Token);
        await Task.WhenAny([raised, .. others]);
        await either.CancelAsync();
        await raised.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
    }
}
