using MailFlow.Engine.Storage;

namespace MailFlow.Delivery;

/// <summary>How long mail is kept. Accounts are gone through one by one, so that the ledger's index by account and age serves.</summary>
internal static class MailRetention
{
    public static RetentionRule Messages(RetentionOptions options) => new("messages", RetentionOptions.Or(options.Messages),
        $"DELETE FROM message_attempt WHERE message_id IN ({Old})",
        $"DELETE FROM message WHERE id IN ({Old})");

    public static RetentionRule CapturedMail(RetentionOptions options) => new("captured mail", RetentionOptions.Or(options.CapturedMail), """
        DELETE FROM sandbox_email WHERE id IN (
          SELECT s.id FROM account a JOIN sandbox_email s ON s.account_id = a.id WHERE s.at < @before ORDER BY s.account_id, s.seq LIMIT @chunk)
        """);

    private const string Old = """
        SELECT m.id FROM account a JOIN message m ON m.account_id = a.id WHERE m.queued_at < @before AND m.state NOT IN (0, 1, 4, 5)
        ORDER BY m.account_id, m.queued_at, m.id LIMIT @chunk
        """;
}
