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
    private readonly HashSet<int> _signalled = [];
    private readonly HashSet<int> _taken = [];
    private readonly List<int> _order = [];
    private TaskCompletionSource _something = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    public event Action<ulong>? Raised;

    /// <inheritdoc/>
    public string Topic => "work";

    /// <summary>Something was committed for this shard.</summary>
    public void Notify(int shard) => Notify([shard]);

    /// <summary>Something was committed for these shards.</summary>
    public void Notify(IEnumerable<int> shards)
    {
        var which = 0UL;
        lock (_lock)
        {
            foreach (var shard in shards)
            {
                which |= 1UL << shard;
                if (_signalled.Add(shard)) _order.Add(shard);
            }
            if (which != 0) _something.TrySetResult();
        }
        if (which != 0) Raised?.Invoke(which);
    }

    /// <summary>A bit for each shard.</summary>
    void INodeSignal.Hear(ulong which)
    {
        var shards = new List<int>();
        for (; which != 0; which &= which - 1) shards.Add(BitOperations.TrailingZeroCount(which));
        Notify(shards);
    }

    /// <summary>Takes the next signalled shard that no worker of this process has, and of those after it so many as are a worker's part; none when there is none.</summary>
    /// <param name="workers">How many share them.</param>
    /// <param name="most">The most to take.</param>
    /// <param name="joins">Whether a shard may be worked together with others; one that may not is taken alone.</param>
    internal IReadOnlyList<int> Take(int workers, int most, Func<int, bool> joins)
    {
        lock (_lock)
        {
            var free = _order.Where(shard => !_taken.Contains(shard)).ToList();
            if (free.Count == 0)
            {
                _something = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return [];
            }
            var part = Math.Min(most, (free.Count + workers - 1) / workers);
            List<int> taken = joins(free[0]) ? [.. free.Where(joins).Take(part)] : [free[0]];
            _signalled.ExceptWith(taken);
            _taken.UnionWith(taken);
            _order.RemoveAll(taken.Contains);
            return taken;
        }
    }

    /// <summary>Gives shards back; in those of <paramref name="again"/> there is more to do.</summary>
    internal void Release(IReadOnlyList<int> shards, IEnumerable<int> again)
    {
        lock (_lock)
        {
            _taken.ExceptWith(shards);
            if (shards.Any(_signalled.Contains)) _something.TrySetResult();
        }
        Notify(again);
    }

    /// <summary>Completes when a shard has been signalled.</summary>
    internal Task WaitAsync(CancellationToken ct)
    {
        lock (_lock) return _something.Task.WaitAsync(ct);
    }
}
