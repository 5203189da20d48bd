using MailFlow.Data;
using MailFlow.Delivery.Routing;

namespace MailFlow.Delivery.Deliverability;

/// <summary>One way by which an account's mail leaves.</summary>
/// <param name="Provider">The provider's name: <c>smtp</c>, <c>sendgrid</c>.</param>
/// <param name="RelayHost">Of SMTP: the relay.</param>
public sealed record SendingRoute(string Provider, string? RelayHost = null)
{
    /// <summary>Whether mail reaches people by it.</summary>
    public bool IsReal => Provider != "sandbox";
}

/// <summary>Tells by which providers an account's mail leaves: what its domains must allow.</summary>
public interface ISendingRoutes
{
    /// <summary>The routes, without order.</summary>
    Task<IReadOnlyList<SendingRoute>> OfAsync(Session session, int accountId, CancellationToken ct);
}

/// <summary>The account's enabled connections, or the server's own provider where it has none at all: as <see cref="Routes"/> has it.</summary>
internal sealed class AccountRoutes(Connections connections, DeliveryOptions options) : ISendingRoutes
{
    private readonly SendingRoute _own = new(options.Provider, options.Provider == "smtp" ? options.Smtp.Host : null);

    public async Task<IReadOnlyList<SendingRoute>> OfAsync(Session session, int accountId, CancellationToken ct)
    {
        var stored = await connections.AmongAsync(session, [accountId], ct);
        if (stored.Count == 0) return [_own];
        return [.. stored.Select(one => one.Connection).Where(connection => connection.Enabled).Select(connection => new SendingRoute(connection.Type, connection.Settings.GetValueOrDefault("host")))];
    }
}
