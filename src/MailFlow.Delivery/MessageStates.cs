using System.Collections.Frozen;

namespace MailFlow.Delivery;

/// <summary>
/// The transitions a message can make. Every statement that changes a state carries the ones it may start from in its
/// WHERE, so that whatever else happens at the same time, no other transition is ever made.
/// </summary>
public static class MessageStates
{
    private static readonly FrozenDictionary<MessageState, MessageState[]> Table = new Dictionary<MessageState, MessageState[]>
    {
        [MessageState.Queued] = [MessageState.Inflight, MessageState.Suppressed, MessageState.Expired, MessageState.Cancelled],
        [MessageState.Inflight] = [MessageState.Accepted, MessageState.Rejected, MessageState.Deferred, MessageState.Unknown, MessageState.Unconfirmed],
        [MessageState.Deferred] = [MessageState.Inflight, MessageState.Accepted, MessageState.Suppressed, MessageState.Expired, MessageState.Cancelled],
        [MessageState.Unknown] = [MessageState.Inflight, MessageState.Accepted, MessageState.Unconfirmed],
        [MessageState.Accepted] = [],
        [MessageState.Rejected] = [],
        [MessageState.Suppressed] = [],
        [MessageState.Expired] = [],
        [MessageState.Cancelled] = [],
        [MessageState.Unconfirmed] = [MessageState.Accepted],
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<MessageState, string> Words =
        Enum.GetValues<MessageState>().ToFrozenDictionary(state => state, state => state.ToString().ToLowerInvariant());

    private static readonly FrozenDictionary<string, MessageState> States = Words.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>The numbers of the states that are no ends, for SQL's IN: as the index <c>message_open_by_state</c> has them, in whose words a query must ask for them.</summary>
    internal const string SqlOpen = "0, 1, 4, 5";

    /// <summary>The states that can follow; none after an end.</summary>
    public static IReadOnlyList<MessageState> After(MessageState state) => Table[state];

    /// <summary>Whether nothing follows of ourselves: only a provider's late report settles what was given up.</summary>
    public static bool IsEnd(this MessageState state) => state == MessageState.Unconfirmed || Table[state].Length == 0;

    /// <summary>Whether a provider has it, may have it, or has judged it. A mail that was put off, or ended from there, is with nobody.</summary>
    internal static bool MayHaveLeft(this MessageState state) => state is MessageState.Inflight or MessageState.Accepted or MessageState.Rejected or MessageState.Unknown or MessageState.Unconfirmed;

    /// <summary>The state's name in the API: <c>accepted</c>.</summary>
    public static string Word(this MessageState state) => Words[state];

    /// <summary>Reads a state's name.</summary>
    public static bool TryParse(string word, out MessageState state) => States.TryGetValue(word, out state);

    /// <summary>The numbers of the states that <paramref name="next"/> can follow, for SQL's IN.</summary>
    internal static string SqlBefore(MessageState next) =>
        string.Join(", ", Table.Where(from => from.Value.Contains(next)).Select(from => (int)from.Key).Order());

    /// <summary>An SQL condition: one column's state can follow the other's.</summary>
    internal static string SqlCanFollow(string current, string next) =>
        "(" + string.Join(" OR ", Table.Where(from => from.Value.Length > 0)
            .Select(from => $"{current} = {(int)from.Key} AND {next} IN ({string.Join(", ", from.Value.Select(to => (int)to))})")) + ")";
}
