using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>All that an instance remembers, besides the columns of its row.</summary>
internal sealed class InstanceState
{
    /// <summary>In the order in which they came: the first that is ready runs first.</summary>
    public List<Token> Tokens { get; } = [];

    /// <summary>By node index: how many times it was visited.</summary>
    public Dictionary<int, int> Visits { get; } = [];

    /// <summary>The variables that were set; the others have their initial values.</summary>
    public Dictionary<string, object?> Variables { get; } = [];

    /// <summary>The event or input that started the instance.</summary>
    public IReadOnlyDictionary<string, object?> Trigger { get; set; } = JsonData.Empty;

    /// <summary>The event that last moved it.</summary>
    public IReadOnlyDictionary<string, object?> Event { get; set; } = JsonData.Empty;

    /// <summary>The earliest instant at which something is to be done; null when only an event can move it.</summary>
    public long? NextDue(long now, Func<Token, long?>? heldUntil = null)
    {
        long? next = null;
        foreach (var token in Tokens)
        {
            var due = token.Phase switch { TokenPhase.Ready => now, TokenPhase.Waiting => token.Wake, _ => null };
            if (due is not null && heldUntil?.Invoke(token) is { } held && held > due) due = held;
            if (due < next || next is null) next = due ?? next;
        }
        return next;
    }
}
