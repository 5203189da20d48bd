using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery.Reports;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>What the unsubscribe link and the preference centre do alike when somebody wants no more marketing mail.</summary>
internal static class Leaving
{
    /// <summary>
    /// Puts it into the mail's summary and raises the contact's event, as a provider's report does: the first time that the recipient of this mail leaves, by whatever means. Nothing for a mail
    /// that is not known any more. Gives the shards to signal after the commit.
    /// </summary>
    public static async Task<IReadOnlyCollection<int>> RaiseAsync(Session session, EventIntake events, UnsubscribeSubject subject, CancellationToken ct)
    {
        if ((await ReportStore.MessagesAsync(session, [subject.MessageId], ct)).FirstOrDefault(each => each.AccountId == subject.AccountId) is not { } message) return [];
        var left = new Report
        {
            Key = StableHash.Key("left", message.Id.ToString()),
            AccountId = message.AccountId,
            Connection = "",
            CallId = 0,
            Kind = FeedbackKind.Unsubscribed,
            At = await session.NowAsync(ct),
            MessageId = message.Id,
            ProviderId = null,
        };
        var summary = (await ReportStore.LockAsync(session, [(message.Id, message.AccountId)], ct))[message.Id];
        if (!summary.Add(left)) return [];
        await ReportStore.SaveAsync(session, [summary], ct);
        return Effects.EventOf(left, message, null) is { } raised ? await events.AcceptAsync(session, [raised], ct) : [];
    }

    /// <summary>
    /// Suppresses the address that the mail went to, and the contact's present one: it is the person who objects, whichever of the two mails the link was followed from. The first time, it
    /// is a fact. The contact is null when it is no more.
    /// </summary>
    public static async Task SuppressAsync(
        Session session, Suppressions suppressions, UnsubscribeSubject subject, Contact? contact, string source, string by, string detail, CancellationToken ct)
    {
        if (await AddAsync(subject.Email)) await MailFacts.UnsubscribedAsync(session, subject.AccountId, subject.MessageId, by, ct);
        if (contact?.Text("email") is { Length: > 0 } present && present != subject.Email && EmailAddress.TryParse(present, out _)) await AddAsync(present);

        async Task<bool> AddAsync(string email) =>
            (await suppressions.AddAsync(session, subject.AccountId, email, SuppressionReason.Unsubscribed, Suppression.Marketing, source, ct, detail)).Change != SuppressionChange.Unchanged;
    }
}
