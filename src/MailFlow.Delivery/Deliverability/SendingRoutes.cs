using MailFlow.Data;

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

/// <summary>The one provider of the configuration, for every account.</summary>
internal sealed class ConfiguredRoute(DeliveryOptions options) : ISendingRoutes
{
    private readonly IReadOnlyList<SendingRoute> _routes = [new(options.Provider, options.Provider == "smtp" ? options.Smtp.Host : null)];

    public Task<IReadOnlyList<SendingRoute>> OfAsync(Session session, int accountId, CancellationToken ct) => Task.FromResult(_routes);
}
