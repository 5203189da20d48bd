using MailFlow.Engine.Storage;

namespace MailFlow.Delivery;

/// <summary>How long mail is kept. Accounts are gone through one by one, so that the ledger's index by account and age serves.</summary>
internal static class MailRetention
{
    public static RetentionRule Messages(RetentionOptions options) => new("messages", RetentionOptions.Or(options.Messages),
        $"DELETE FROM message_attempt WHERE message_id IN ({Old})",
        $"DELETE FROM message_event WHERE message_id IN ({Old})",
        $"DELETE FROM message_feedback WHERE message_id IN ({Old})",
        $"DELETE FROM message WHERE id IN ({Old})");

    public static RetentionRule CapturedMail(RetentionOptions options) => new("captured mail", RetentionOptions.Or(options.CapturedMail), """
        DELETE FROM sandbox_email WHERE id IN (
          SELECT s.id FROM account a JOIN sandbox_email s ON s.account_id = a.id WHERE s.at < @before ORDER BY s.account_id, s.seq LIMIT @chunk)
        """);

    public static RetentionRule LaidAsideCalls(RetentionOptions options) => new("webhook calls that could not be read", RetentionOptions.Or(options.LaidAsideCalls),
        "DELETE FROM webhook_call WHERE id IN (SELECT id FROM webhook_call WHERE due_at IS NULL AND at < @before ORDER BY id LIMIT @chunk)");

    /// <summary>A mailbox that took no mail is remembered for as long as such days are counted together.</summary>
    public static RetentionRule SoftBounces { get; } = new("soft bounces", TimeSpan.FromDays(31), """
        DELETE FROM soft_bounce WHERE (account_id, email, day) IN (SELECT account_id, email, day FROM soft_bounce WHERE day < @before / 86400000 LIMIT @chunk)
        """);

    /// <summary>A fault of the sender's counts with others of the same day.</summary>
    public static RetentionRule SenderFaults { get; } = new("sender faults", TimeSpan.FromDays(2), """
        DELETE FROM sender_fault WHERE (account_id, subject, stream, contact_id) IN (SELECT account_id, subject, stream, contact_id FROM sender_fault WHERE at < @before LIMIT @chunk)
        """);

    /// <summary>A token is remembered for longer than its signature is taken.</summary>
    public static RetentionRule WebhookTokens { get; } = new("webhook tokens", TimeSpan.FromDays(1), """
        DELETE FROM webhook_token WHERE (account_id, connection, token) IN (SELECT account_id, connection, token FROM webhook_token WHERE at < @before LIMIT @chunk)
        """);

    /// <summary>Days' counts: two years of them.</summary>
    public static RetentionRule Days { get; } = new("daily counts", TimeSpan.FromDays(730),
        "DELETE FROM webhook_day WHERE (account_id, connection, day) IN (SELECT account_id, connection, day FROM webhook_day WHERE day < @before / 86400000 LIMIT @chunk)",
        "DELETE FROM sending_day WHERE (account_id, subject, day) IN (SELECT account_id, subject, day FROM sending_day WHERE day < @before / 86400000 LIMIT @chunk)");

    private const string Old = $"""
        SELECT m.id FROM account a JOIN message m ON m.account_id = a.id WHERE m.queued_at < @before AND m.state NOT IN ({MessageStates.SqlOpen})
        ORDER BY m.account_id, m.queued_at, m.id LIMIT @chunk
        """;
}
