using System.Collections.Concurrent;
using MailFlow.Data;

namespace MailFlow.Delivery.Routing;

/// <summary>
/// The routes of each account, opened once a node and again when the connection has changed. A provider that was replaced is disposed of after its calls have had the
/// time they may take.
/// </summary>
internal sealed class Routes(Database database, Connections connections, IEmailProvider own, DeliveryOptions options) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(int AccountId, string Key), Opened> _opened = new();

    /// <summary>The server's own provider.</summary>
    public Route Own { get; } = new(0, own.Name, own, PerSecond: options.PerSecond);

    /// <summary>Each account's routes: its enabled connections in its region, or the server's own provider where it has none at all.</summary>
    public async Task<IReadOnlyDictionary<int, IReadOnlyList<Route>>> AmongAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct)
    {
        var usable = await connections.UsableAmongAsync(session, accountIds, ct);
        return accountIds.ToDictionary(id => id, IReadOnlyList<Route> (id) => usable.TryGetValue(id, out var own) ? [.. own.Select(Open)] : [Own]);
    }

    /// <summary>By what a test mail leaves: the route that has the greatest share of the account's mail.</summary>
    public async Task<Route> ForTrialAsync(int accountId, CancellationToken ct) =>
        (await database.ReadAsync(session => AmongAsync(session, [accountId], ct), ct))[accountId].MaxBy(route => route.MarketingWeight + route.TransactionalWeight)
            ?? throw new ConflictException("No connection of this account is enabled and in its region: enable one, or add another.");

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in _opened.Values) await DisposeAsync(opened.Route.Provider);
    }

    private Route Open(StoredConnection stored)
    {
        var key = (stored.AccountId, stored.Connection.Key);
        if (_opened.TryGetValue(key, out var opened) && opened.Id == stored.Connection.Id && opened.Revision == stored.Revision) return opened.Route;
        var connection = stored.Connection;
        var route = new Route(
            stored.AccountId, connection.Key, connections.OpenProvider(stored), connection.MarketingWeight, connection.TransactionalWeight, connection.PerSecond, connection.PerDay);
        _opened[key] = new Opened(connection.Id, stored.Revision, route);
        if (opened is not null) _ = DisposeLaterAsync(opened.Route.Provider);
        return route;
    }

    private async Task DisposeLaterAsync(IEmailProvider provider)
    {
        await Task.Delay(options.Lease + provider.RequestTimeout, database.Time);
        await DisposeAsync(provider);
    }

    private static async ValueTask DisposeAsync(IEmailProvider provider)
    {
        if (provider is IAsyncDisposable later) await later.DisposeAsync();
        else (provider as IDisposable)?.Dispose();
    }

    private sealed record Opened(Guid Id, long Revision, Route Route);
}
