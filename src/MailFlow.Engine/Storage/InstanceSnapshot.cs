using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>What a token of an instance is doing.</summary>
public enum TokenState
{
    /// <summary>Its activity is about to run, or waits for other branches to join.</summary>
    Running,

    /// <summary>Its activity waits for an instant, an event or a change of the contact.</summary>
    Waiting,

    /// <summary>Its activity's work is under way as a job.</summary>
    Working,

    /// <summary>Its activity failed: an incident.</summary>
    Faulted,
}

/// <summary>One place in the workflow where an instance is.</summary>
/// <param name="Node">The node's index in the graph of its version.</param>
/// <param name="State">What it is doing there.</param>
/// <param name="Since">Since when.</param>
/// <param name="DueAt">When it goes on by itself; null: not by time.</param>
/// <param name="EventType">The type of event that it waits for, or null.</param>
/// <param name="Error">Why it failed, or is held at a parked node; or null.</param>
public sealed record TokenSnapshot(int Node, TokenState State, DateTimeOffset Since, DateTimeOffset? DueAt, string? EventType, string? Error);

/// <summary>An instance's state as it stood when its row was read.</summary>
/// <param name="Tokens">Where it is.</param>
/// <param name="Variables">The variables that were set; others have their initial values.</param>
/// <param name="Trigger">The event or input that started it.</param>
public sealed record InstanceSnapshot(IReadOnlyList<TokenSnapshot> Tokens, IReadOnlyDictionary<string, object?> Variables, IReadOnlyDictionary<string, object?> Trigger)
{
    /// <summary>Reads the columns <c>state</c> and <c>format</c> of an instance's row; null for a layout that only a newer version of MailFlow knows.</summary>
    public static InstanceSnapshot? Read(byte[] state, int format)
    {
        if (format > StateCodec.Format) return null;
        var read = StateCodec.Read(state, format);
        return new InstanceSnapshot([.. read.Tokens.Where(token => token.Phase != TokenPhase.Inside).Select(Of)], read.Variables, read.Trigger);
    }

    private static TokenSnapshot Of(Token token) => new(token.Node, token.Phase switch
    {
        TokenPhase.Waiting => TokenState.Waiting,
        TokenPhase.Job => TokenState.Working,
        TokenPhase.Faulted => TokenState.Faulted,
        _ => TokenState.Running,
    }, At(token.Since), token.Wake is { } wake ? At(wake) : null, token.EventType, token.Error);

    private static DateTimeOffset At(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
}
