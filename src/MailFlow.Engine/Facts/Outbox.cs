using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Facts;

/// <summary>
/// Where facts are written down, in the transaction that makes them true: what is rolled back was never told, and what is committed will be, however the process ends.
/// Whoever asked for them takes them from here after the commit.
/// </summary>
public static class Outbox
{
    /// <summary>Writes down those of the facts that somebody wants: one statement. Gives how many.</summary>
    /// <param name="session">The transaction of what happened.</param>
    /// <param name="interest">What is wanted of their accounts.</param>
    /// <param name="facts">In the order in which they happened.</param>
    /// <param name="ct">Cancels.</param>
    public static Task<int> WriteAsync(Session session, FactInterest interest, IEnumerable<Fact> facts, CancellationToken ct)
    {
        if (interest.IsEmpty) return Task.FromResult(0);
        return session.ExecuteAsync("""
            INSERT INTO fact (id, at, account_id, contact_id, type, user_id, data, to_webhooks, to_bus)
            SELECT r.id, r.at, r.account_id, r.contact_id, r.type, r.user_id, r.data, r.to_webhooks, r.to_bus FROM {rows}
            """,
            new Rows<Fact>([.. facts.Where(fact => interest.Wants(fact.AccountId, fact.Type))])
                .Uuid("id", f => f.Id).Long("at", f => f.At).Int("account_id", f => f.AccountId).Long("contact_id", f => f.ContactId).Text("type", f => f.Type)
                .Text("user_id", f => f.UserId).Text("data", f => f.ToJson())
                .Bool("to_webhooks", f => interest.Wants(f.AccountId, f.Type, FactConsumer.Webhooks)).Bool("to_bus", f => interest.Wants(f.AccountId, f.Type, FactConsumer.Bus)), ct);
    }

    /// <summary>How long facts are kept, and with them what a consumer keeps about each (its tables refer to <c>fact</c>).</summary>
    internal static RetentionRule Kept(RetentionOptions options) => new("facts", RetentionOptions.Or(options.Facts), """
        DELETE FROM fact WHERE id IN (SELECT f.id FROM account a JOIN fact f ON f.account_id = a.id WHERE f.at < @before ORDER BY f.account_id, f.at LIMIT @chunk)
        """);
}
