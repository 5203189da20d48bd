using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace MailFlow.Content;

/// <summary>Keeps up to a number of values; when it is full, the tenth that was used longest ago goes.</summary>
internal sealed class BoundedCache<TKey, TValue>(int capacity)
    where TKey : notnull
    where TValue : class
{
    private readonly ConcurrentDictionary<TKey, Entry> _entries = [];
    private readonly Lock _trimming = new();
    private long _uses;

    public int Count => _entries.Count;

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        value = null;
        if (!_entries.TryGetValue(key, out var entry)) return false;
        entry.LastUse = Interlocked.Increment(ref _uses);
        value = entry.Value;
        return true;
    }

    public void Set(TKey key, TValue value)
    {
        _entries[key] = new Entry(value) { LastUse = Interlocked.Increment(ref _uses) };
        if (_entries.Count <= capacity) return;
        lock (_trimming)
        {
            if (_entries.Count <= capacity) return;
            foreach (var (old, _) in _entries.ToArray().OrderBy(entry => entry.Value.LastUse).Take(Math.Max(1, capacity / 10))) _entries.TryRemove(old, out _);
        }
    }

    private sealed class Entry(TValue value)
    {
        public TValue Value => value;

        public long LastUse { get; set; }
    }
}
