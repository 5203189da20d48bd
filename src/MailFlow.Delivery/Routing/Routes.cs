using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>
/// The routes of each account, opened once a node and again when the connection has changed. A provider that was replaced is disposed of after its calls have had the
/// time they may take.
/// </summary>
internal sealed class Routes(Database database, Connections connections, IEmailProvider own, DeliveryOptions options) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(int AccountId, string Key), Opened> _opened = new();
    private readonly Lock _opening = new();

    /// <summary>The server's own provider.</summary>
    public Route Own { get; } = new(0, own.Name, own, PerSecond: options.PerSecond, IsCatcher: own.Name == options.Provider && options.IsCaught);

    /// <summary>
    /// Each account's routes: its enabled connections in its region, or the server's own provider where it has none at all and that is in its region. A connection that
    /// cannot be opened is none, and nobody else's trouble.
    /// </summary>
    public async Task<FoundRoutes> AmongAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct)
    {
        var usable = await connections.UsableAmongAsync(session, accountIds, ct);
        var broken = new List<NewStop>();
        var silent = new HashSet<(int, string)>();
        var open = accountIds.ToDictionary(id => id, IReadOnlyList<Route> (id) => usable[id] switch
        {
            { Connections: { } own } => [.. own.Select(stored => Open(stored, broken)).OfType<Route>()],
            { Region: var region } => options.Serves(Own.Provider.Name, region) ? [Own] : [],
        });
        silent.UnionWith(broken.Select(stop => (stop.AccountId, stop.Subject)));
        return new(open, accountIds.ToDictionary(id => id, IReadOnlyList<Route> (id) => [.. Closed(id)]), broken, silent);

        // A mail that the region does not allow to leave may not have left: it is asked about there, and not handed over again.
        IEnumerable<Route> Closed(int account)
        {
            var (_, region) = usable[account];
            var closed = usable[account].Others.Select(stored => (stored.Connection.Key, stored.IsInRegion, Route: Open(stored, [])));
            if (!open[account].Contains(Own)) closed = closed.Append((Own.Key, options.Serves(Own.Provider.Name, region), Own));
            foreach (var (key, isInRegion, route) in closed)
                if (route is null || (!isInRegion && route.Provider.Replay == ReplayPolicy.Idempotent)) silent.Add((account, SendingStops.OfConnection(key)));
                else yield return route;
        }
    }

    /// <summary>By what a test mail leaves: the route that has the greatest share of the account's mail.</summary>
    public async Task<Route> ForTrialAsync(int accountId, CancellationToken ct) =>
        (await database.ReadAsync(session => AmongAsync(session, [accountId], ct), ct)).ByAccount[accountId].MaxBy(route => route.MarketingWeight + route.TransactionalWeight)
            ?? throw new ConflictException("No connection of this account is enabled, in its region and can be opened: enable or mend one, or add another.");

    /// <summary>A connection to be tried, though no mail leaves by it yet; never one outside the account's region.</summary>
    /// <exception cref="NotFoundException">There is none of this key.</exception>
    /// <exception cref="ConflictException">It may not be used, or cannot be opened.</exception>
    public async Task<Route> ForTrialAsync(int accountId, string key, CancellationToken ct)
    {
        var stored = (await database.ReadAsync(session => connections.AmongAsync(session, [accountId], ct), ct)).Find(stored => stored.Connection.Key == key)
            ?? throw new NotFoundException($"There is no connection '{key}'.");
        if (!stored.IsInRegion) throw new ConflictException($"'{key}' is not in the account's region, {stored.AccountRegion}: no mail leaves by it, a test neither.");
        var broken = new List<NewStop>();
        return Open(stored, broken) ?? throw new ConflictException(broken[0].Reason);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in _opened.Values) await DisposeAsync(opened.Route.Provider);
    }

    private Route? Open(StoredConnection stored, List<NewStop> broken)
    {
        try
        {
            return Open(stored);
        }
        catch (Exception error) when (error is not OperationCanceledException && !database.Dialect.IsTransient(error))
        {
            var why = error is InvalidInputException or SecretLostException ? error.Message : error.GetType().Name; // another's message may hold a secret
            broken.AddRange(Enum.GetValues<MessageStream>().Select(stream => new NewStop(
                stored.AccountId, SendingStops.OfConnection(stored.Connection.Key), stream, $"The connection cannot be opened: {why.TrimEnd('.')}. Mend its settings, then resume.")));
            return null;
        }
    }

    private Route Open(StoredConnection stored)
    {
        var key = (stored.AccountId, stored.Connection.Key);
        if (_opened.TryGetValue(key, out var known) && known.Id == stored.Connection.Id && known.Revision == stored.Revision) return known.Route;
        using var one = _opening.EnterScope(); // of two that open it at once, nobody would dispose of the first
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

/// <summary>What there is to send by.</summary>
/// <param name="ByAccount">Each account's routes.</param>
/// <param name="Closed">By which it sends no more, but which may know of what they were given: connections switched off or of another region, and the server's own provider.</param>
/// <param name="Broken">The connections to send by that cannot be opened, with the reason.</param>
/// <param name="Silent">The connections that are there and cannot settle a doubt now, by account and subject.</param>
internal sealed record FoundRoutes(
    IReadOnlyDictionary<int, IReadOnlyList<Route>> ByAccount, IReadOnlyDictionary<int, IReadOnlyList<Route>> Closed, IReadOnlyList<NewStop> Broken, IReadOnlySet<(int, string)> Silent)
{
    /// <summary>The account's route of this key, closed ones included; null when there is none any more.</summary>
    public Route? Find(int account, string? key) => ByAccount[account].Concat(Closed[account]).FirstOrDefault(route => route.Key == key);

    /// <summary>Whether the connection is there and cannot tell now: what it knows of a mail, it will know again.</summary>
    public bool IsSilent(int account, string? key) => key is not null && Silent.Contains((account, SendingStops.OfConnection(key)));

    /// <summary>Whether a stream is kept off the route: what was handed over by it is settled by it, and no other mail leaves.</summary>
    public bool IsClosed(int account, Route route, MessageStream stream) => route.WeightFor(stream) == 0 || Closed[account].Contains(route);
}
