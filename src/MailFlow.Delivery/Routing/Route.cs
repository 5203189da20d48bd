using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>A way out that mail may take: a connection of the account's, or the server's own provider.</summary>
/// <param name="AccountId">Whose connection it is; 0 for the server's own provider, which all accounts without connections share.</param>
/// <param name="Key">The connection's key, or the provider's name: what the ledger keeps.</param>
/// <param name="Provider">What sends.</param>
/// <param name="MarketingWeight">Its share of marketing mail.</param>
/// <param name="TransactionalWeight">Its share of transactional mail.</param>
/// <param name="PerSecond">The most mails a second.</param>
/// <param name="PerDay">The most mails a day (UTC).</param>
/// <param name="IsCatcher">Whether it is a relay that passes nothing on.</param>
internal sealed record Route(
    int AccountId, string Key, IEmailProvider Provider, int MarketingWeight = 1, int TransactionalWeight = 1, double? PerSecond = null, int? PerDay = null, bool IsCatcher = false)
{
    /// <summary>Whether it captures mail and sends none.</summary>
    public bool IsSandbox => Provider.Name == "sandbox";

    /// <summary>Whether people get what it takes.</summary>
    public bool IsReal => !IsSandbox && !IsCatcher;

    public string Subject => SendingStops.OfConnection(Key);

    public int WeightFor(MessageStream stream) => stream == MessageStream.Marketing ? MarketingWeight : TransactionalWeight;
}
