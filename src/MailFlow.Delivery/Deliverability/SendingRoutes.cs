using MailFlow.Data;
using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Delivery.Routing;

namespace MailFlow.Delivery.Deliverability;

/// <summary>One way by which an account's mail leaves.</summary>
/// <param name="Provider">The provider's name: <c>smtp</c>, <c>sendgrid</c>.</param>
/// <param name="RelayHost">Of SMTP: the relay.</param>
/// <param name="IsCatcher">Of SMTP: whether the relay passes nothing on.</param>
public sealed record SendingRoute(string Provider, string? RelayHost = null, bool IsCatcher = false)
{
    /// <summary>Whether mail reaches people by it.</summary>
    public bool IsReal => Provider != "sandbox" && !IsCatcher;
}

/// <summary>Tells by which providers an account's mail leaves: what its domains must allow.</summary>
public interface ISendingRoutes
{
    /// <summary>The routes, without order.</summary>
    Task<IReadOnlyList<SendingRoute>> OfAsync(Session session, int accountId, CancellationToken ct);
}

/// <summary>As <see cref="Routes"/> has it, without opening any.</summary>
internal sealed class AccountRoutes(Connections connections, DeliveryOptions options) : ISendingRoutes
{
    private readonly SendingRoute _own = new(options.Provider, options.Provider == "smtp" ? options.Smtp.Host : null, options.IsCaught);

    public async Task<IReadOnlyList<SendingRoute>> OfAsync(Session session, int accountId, CancellationToken ct)
    {
        var (own, region) = (await connections.UsableAmongAsync(session, [accountId], ct))[accountId];
        // What is given no mail needs no place in a record.
        return own is not null ? [.. own.Where(stored => stored.Connection is { MarketingWeight: > 0 } or { TransactionalWeight: > 0 }).Select(stored => new SendingRoute(stored.Connection.Type, stored.Connection.Settings.GetValueOrDefault(SmtpType.Host)))]
            : options.Serves(options.Provider, region) ? [_own] : [];
    }
}
