using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Facts;

/// <summary>Who asks for facts. The numbers are part of the data format.</summary>
public enum FactConsumer
{
    /// <summary>Outgoing webhooks.</summary>
    Webhooks = 1,

    /// <summary>The message bus.</summary>
    Bus = 2,
}

/// <summary>
/// Which facts somebody asked for: no other is ever written down, so an account without listeners pays nothing for them. Kept in table <c>fact_interest</c>, where <c>*</c>
/// stands for all types.
/// </summary>
public sealed class FactInterest
{
    /// <summary>Stands for every type.</summary>
    public const string AllTypes = "*";

    private readonly HashSet<(int Account, string Type, FactConsumer Consumer)> _wanted;

    private FactInterest(IEnumerable<(int Account, string Type, FactConsumer Consumer)> wanted) => _wanted = [.. wanted];

    /// <summary>Whether nobody wants anything.</summary>
    public bool IsEmpty => _wanted.Count == 0;

    /// <summary>Whether anybody wants such facts of this account.</summary>
    public bool Wants(int accountId, string type) => !IsEmpty && (Wants(accountId, type, FactConsumer.Webhooks) || Wants(accountId, type, FactConsumer.Bus));

    /// <summary>Whether this consumer wants such facts of this account.</summary>
    public bool Wants(int accountId, string type, FactConsumer consumer) =>
        _wanted.Contains((accountId, type, consumer)) || _wanted.Contains((accountId, AllTypes, consumer));

    /// <summary>What is asked for of these accounts, as of the transaction at hand.</summary>
    public static async Task<FactInterest> OfAsync(Session session, IEnumerable<int> accountIds, CancellationToken ct) => new(await session.QueryAsync(
        "SELECT i.account_id, i.type, i.consumer FROM {rows} JOIN fact_interest i ON i.account_id = r.id",
        new Rows<int>([.. accountIds.Distinct().Order()]).Int("id", id => id), Read, ct));

    /// <summary>What is asked for of any account.</summary>
    internal static async Task<FactInterest> OfAllAsync(Session session, CancellationToken ct) =>
        new(await session.QueryAsync("SELECT account_id, type, consumer FROM fact_interest", Read, ct));

    /// <summary>Replaces what a consumer asks for of an account; from the commit on, the nodes' next batches go by it.</summary>
    /// <param name="session">A writing session.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="consumer">Who asks.</param>
    /// <param name="types">Which types; <see cref="AllTypes"/> for all, none for nothing.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task SetAsync(Session session, int accountId, FactConsumer consumer, IReadOnlyCollection<string> types, CancellationToken ct)
    {
        var before = await session.QueryAsync("SELECT type FROM fact_interest WHERE account_id = @account AND consumer = @consumer", row => row.Text(0), ct, ("account", accountId), ("consumer", consumer));
        if (types.ToHashSet().SetEquals(before)) return;
        await session.ExecuteAsync("DELETE FROM fact_interest WHERE account_id = @account AND consumer = @consumer", ct, ("account", accountId), ("consumer", consumer));
        await session.ExecuteAsync("INSERT INTO fact_interest (account_id, type, consumer) SELECT @account, r.type, @consumer FROM {rows} WHERE true ON CONFLICT DO NOTHING", // two nodes that start together ask for the same
            new Rows<string>([.. types.Distinct().Order(StringComparer.Ordinal)]).Text("type", type => type), ct, ("account", accountId), ("consumer", consumer));
        await EngineEpoch.BumpAsync(session, ct);
    }

    private static (int, string, FactConsumer) Read(Row row) => (row.Int(0), row.Text(1), (FactConsumer)row.Int(2));
}
