using System.Collections.Concurrent;
using MailFlow.Data;

namespace MailFlow.Ingestion.Tests;

/// <summary>Trouble at one point of the intake's way, for as long as a test wants it.</summary>
internal sealed class Trouble(string point, Func<Exception?> trouble) : IFaultPoints
{
    private readonly ConcurrentQueue<bool> _times = new();

    public volatile bool IsOver;

    /// <summary>How often it struck.</summary>
    public int Times => _times.Count;

    public void Reach(string name)
    {
        if (name != point || IsOver) return;
        _times.Enqueue(true);
        if (trouble() is { } error) throw error;
    }
}
