using System.Numerics;
using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>
/// Tells this process's workers which shards have something to do, so that a lone event need not wait for the next poll.
/// Only a hint: what it misses (a timer, another node's work whose hint was lost), the poll finds.
/// </summary>
public sealed class WorkSignal : INodeSignal
{
    private readonly Lock _lock = new();
    private readonly SortedSet<int> _signalled = [];
    private readonly HashSet<int> _taken = [];
    private readonly Queue<int> _order = new();
    private TaskCompletionSource _something = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    public event Action<ulong>? Raised;

    /// <inheritdoc/>
    public string Topic => "work";

    /// <summary>Something was committed for this shard.</summary>
    public void Notify(int shard)
    {
        Raised?.Invoke(1UL << shard);
        lock (_lock)
        {
            if (!_signalled.Add(shard)) return;
            _order.Enqueue(shard);
            _something.TrySetResult();
        }
    }

    /// <summary>Something was committed for these shards.</summary>
    public void Notify(IEnumerable<int> shards)
    {
        foreach (var shard in shards) Notify(shard);
    }

    /// <summary>A bit for each shard.</summary>
    void INodeSignal.Hear(ulong which)
    {
        for (; which != 0; which &= which - 1) Notify(BitOperations.TrailingZeroCount(which));
    }

    /// <summary>Takes the next signalled shard that no worker of this process has; null when there is none.</summary>
    internal int? Take()
    {
        lock (_lock)
        {
            for (var left = _order.Count; left > 0; left--)
            {
                var shard = _order.Dequeue();
                if (_taken.Contains(shard))
                {
                    _order.Enqueue(shard);
                    continue;
                }
                _signalled.Remove(shard);
                _taken.Add(shard);
                return shard;
            }
            _something = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return null;
        }
    }

    /// <summary>Gives a shard back; with <paramref name="again"/>, there is more to do in it.</summary>
    internal void Release(int shard, bool again)
    {
        lock (_lock)
        {
            _taken.Remove(shard);
            if (_signalled.Contains(shard)) _something.TrySetResult();
        }
        if (again) Notify(shard);
    }

    /// <summary>Completes when a shard has been signalled.</summary>
    internal Task WaitAsync(CancellationToken ct)
    {
        lock (_lock) return _something.Task.WaitAsync(ct);
    }
}
