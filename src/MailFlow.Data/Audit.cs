namespace MailFlow.Data;

/// <summary>
/// The record of who changed what: one row a change, written in its transaction, never changed afterwards: the database refuses it, but for erasure and retention. What the server does of itself has no actor
/// and is not recorded here; history and ledger tell it. Only where it takes back what a person had set up does it act by a name of its own.
/// </summary>
public static class Audit
{
    private static readonly AsyncLocal<string?> Current = new();

    /// <summary>
    /// Who acts in the calls that follow in this flow: the name of an API key or of a person; null for the server itself. Set it in an async method that
    /// awaits those calls: it then ends with the method.
    /// </summary>
    public static string? Actor
    {
        get => Current.Value;
        set => Current.Value = value;
    }

    /// <summary>Records a change that the actor makes; without an actor, nothing.</summary>
    /// <param name="session">The transaction of the change.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="action">What is done to what kind of thing: <c>journey.pause</c>.</param>
    /// <param name="subject">Which one: its key, id or address.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="detail">What else tells the change from another; never a secret.</param>
    public static async Task RecordAsync(Session session, int accountId, string action, string subject, CancellationToken ct, params (string Name, object? Value)[] detail)
    {
        if (Actor is not { } actor) return;
        await session.ExecuteAsync("INSERT INTO audit (at, account_id, actor, action, subject, detail) VALUES (@now, @account, @actor, @action, @subject, @detail)", ct,
            ("now", await session.NowAsync(ct)), ("account", accountId), ("actor", actor), ("action", action), ("subject", subject),
            ("detail", new JsonText(JsonData.Write(detail.ToDictionary(member => member.Name, member => member.Value)))));
    }
}
