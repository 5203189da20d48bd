using MailFlow.Data;
using MailFlow.Delivery.Reports;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Facts;

namespace MailFlow.Delivery;

/// <summary>What mail tells: each end that a message comes to, and what providers and our own links report of it. Addresses and contents are not told.</summary>
internal static class MailFacts
{
    public const string Unsubscribed = "message.unsubscribed";

    /// <summary>Read with every statement that makes a message come to an end; <see cref="Read"/> has the columns.</summary>
    public const string Columns = """
        message.id, message.account_id, message.contact_id, message.user_id, message.state, message.template, message.stream, message.activity_id, message.instance_id, message.reason,
        (SELECT j.definition_id FROM journey j WHERE j.id = message.journey_id)
        """;

    private static readonly Dictionary<MessageState, string> Ends = new()
    {
        [MessageState.Accepted] = "message.accepted",
        [MessageState.Rejected] = "message.rejected",
        [MessageState.Suppressed] = "message.suppressed",
        [MessageState.Expired] = "message.expired",
        [MessageState.Cancelled] = "message.cancelled",
        [MessageState.Unconfirmed] = "message.unconfirmed",
    };

    private static readonly Dictionary<FeedbackKind, string> Reported = new()
    {
        [FeedbackKind.Delivered] = "message.delivered",
        [FeedbackKind.Bounced] = "message.bounced",
        [FeedbackKind.Complained] = "message.complained",
        [FeedbackKind.Unsubscribed] = Unsubscribed,
        [FeedbackKind.Opened] = "message.opened",
        [FeedbackKind.Clicked] = "message.clicked",
    };

    public static IReadOnlyList<FactType> Types { get; } =
    [
        new("message.accepted", "A provider has taken a mail and answers for it.", Example()),
        new("message.rejected", "A mail was refused for good, by the provider or by its own template.", Example(("reason", "not sent: 550 5.7.1 refused by policy"))),
        new("message.suppressed", "A mail was withheld because of its recipient: suppressed, no consent, no address, or had enough.", Example(("reason", "not sent: the address is suppressed (complaint)"))),
        new("message.expired", "A mail was not sent in time.", Example(("reason", "not sent: expired"))),
        new("message.cancelled", "A mail was called off before it was sent.", Example(("reason", "not sent: the contact placed an order"))),
        new("message.unconfirmed", "A mail may or may not have been sent, and is not sent again: the provider's answer was lost.", Example(("reason", "no answer; the provider cannot be asked"))),
        new("message.delivered", "The recipient's server took a mail.", Example()),
        new("message.bounced", "A mail came back.", Example(("bounce", "hard"), ("reason", "550 5.1.1 no such mailbox"))),
        new("message.complained", "The recipient called a mail spam.", Example()),
        new(Unsubscribed, "The recipient unsubscribed by a mail: at the provider, by its link, by the mail program's button or in the preference centre.", Example(("by", "one_click"))),
        new("message.opened", "A mail was opened; human says whether by a human.", Example(("human", true))),
        new("message.clicked", "A link in a mail was followed; human says whether by a human.", Example(("url", "https://shop.example/new"), ("human", true))),
    ];

    /// <summary>Whether the state is an end that is told.</summary>
    public static bool IsTold(FactInterest interest, int accountId, MessageState state) => Ends.TryGetValue(state, out var type) && interest.Wants(accountId, type);

    /// <summary>The fact in a row of <see cref="Columns"/>; null for a state that is no end.</summary>
    public static Fact? Read(Row row, long now) => !Ends.TryGetValue((MessageState)row.Int(4), out var type) ? null : new Fact(row.Int(1), type, now, row.Long(2), row.Text(3), new Dictionary<string, object?>
    {
        ["message_id"] = row.Uuid(0).ToString(),
        ["template"] = row.Text(5),
        ["stream"] = Word((MessageStream)row.Int(6)),
        ["journey"] = row.TextOrNull(10),
        ["activity_id"] = row.TextOrNull(7),
        ["instance_id"] = row.UuidOrNull(8)?.ToString(),
        ["reason"] = row.TextOrNull(9),
    });

    /// <summary>What was reported of a mail; null for what is not told, or where the contact is there no more.</summary>
    public static Fact? Of(Report report, ReportedMessage message, bool? human) => !message.ContactExists || !Reported.TryGetValue(report.Kind, out var type) ? null : new Fact(
        message.AccountId, type, report.At, message.ContactId, message.UserId, new Dictionary<string, object?>
        {
            ["message_id"] = message.Id.ToString(),
            ["template"] = message.Template,
            ["stream"] = Word(message.Stream),
            ["journey"] = message.Journey,
            ["activity_id"] = message.ActivityId,
            ["by"] = report.Kind == FeedbackKind.Unsubscribed ? "provider" : null,
            ["bounce"] = report.Bounce is { } bounce ? BounceWords.Of(bounce) : null,
            ["reason"] = report.Reason,
            ["url"] = report.Url,
            ["human"] = human,
        });

    /// <summary>That a recipient unsubscribed by a link of ours.</summary>
    public static async Task UnsubscribedAsync(Session session, int accountId, Guid messageId, string by, CancellationToken ct)
    {
        var interest = await FactInterest.OfAsync(session, [accountId], ct);
        if (!interest.Wants(accountId, Unsubscribed)) return;
        var now = await session.NowAsync(ct);
        var message = await session.FirstAsync($"SELECT {ReportedMessage.Columns} FROM message m {ReportedMessage.Joins} WHERE m.id = @id AND m.account_id = @account", ReportedMessage.Read, ct, ("id", messageId), ("account", accountId));
        if (message is not { ContactExists: true }) return;
        await Outbox.WriteAsync(session, interest, [new Fact(accountId, Unsubscribed, now, message.ContactId, message.UserId, new Dictionary<string, object?>
        {
            ["message_id"] = message.Id.ToString(),
            ["template"] = message.Template,
            ["stream"] = Word(message.Stream),
            ["journey"] = message.Journey,
            ["activity_id"] = message.ActivityId,
            ["by"] = by,
        })], ct);
    }

    private static string Word(MessageStream stream) => stream.ToString().ToLowerInvariant();

    private static Dictionary<string, object?> Example(params (string Name, object? Value)[] more)
    {
        var example = new Dictionary<string, object?>
        {
            ["message_id"] = "0199c1a4-9a2b-7d10-8c33-2e5b7f9d0a61",
            ["template"] = "welcome",
            ["stream"] = "marketing",
            ["journey"] = "welcome-series",
            ["activity_id"] = "send-welcome",
        };
        foreach (var (name, value) in more) example[name] = value;
        return example;
    }
}
