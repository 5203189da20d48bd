using System.Globalization;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>What justified a mail, as of its hand-over.</summary>
/// <param name="MessageId">The mail.</param>
/// <param name="State">Where it stands.</param>
/// <param name="HandedOverAt">The instant for which this is told; null for a mail that was not handed over.</param>
/// <param name="To">The address it went to.</param>
/// <param name="Stream">What kind of mail it is.</param>
/// <param name="Purpose">What it was sent for; null for none.</param>
/// <param name="Consent">What the contact had last said of the purpose then; null for nothing.</param>
/// <param name="Suppressions">What was recorded against the address by then and still is. At the hand-over none blocked: it is checked in the same transaction.</param>
/// <param name="Explanation">All of it in plain words, a sentence each.</param>
public sealed record MessageBasis(Guid MessageId, MessageState State, DateTimeOffset? HandedOverAt, string? To, MessageStream Stream, string? Purpose, ConsentEntry? Consent,
    IReadOnlyList<Suppression> Suppressions, IReadOnlyList<string> Explanation);

/// <summary>Tells on which basis a mail was sent: the ledger's instant against the append-only record of consents.</summary>
public sealed class MessageBases(Database database, Consents consents, Suppressions suppressions)
{
    /// <summary>The basis of one of the account's messages; null when there is no such message.</summary>
    public Task<MessageBasis?> FindAsync(int accountId, Guid id, CancellationToken ct) => database.ReadAsync(async session =>
    {
        var message = await session.FirstAsync("SELECT contact_id, state, handed_over_at, to_address, stream, purpose, reason FROM message WHERE id = @id AND account_id = @account",
            row => new Found(row.Long(0), (MessageState)row.Int(1), row.InstantOrNull(2), row.TextOrNull(3), (MessageStream)row.Int(4), row.TextOrNull(5), row.TextOrNull(6)),
            ct, ("id", id), ("account", accountId));
        if (message is null) return null;
        // Of one that was put off and never taken, the ledger still has the instant of the attempt.
        if (!message.State.MayHaveLeft()) message = message with { HandedOverAt = null };
        var at = message.HandedOverAt ?? DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        var consent = message.Purpose is { } purpose ? await consents.AsOfAsync(session, accountId, message.Contact, purpose, at, ct) : null;
        var recorded = message.To is { } to ? (await suppressions.OfAsync(session, accountId, to, ct)).Where(s => s.At <= at).ToList() : [];
        return new MessageBasis(id, message.State, message.HandedOverAt, message.To, message.Stream, message.Purpose, consent, recorded, [.. Explain(message, consent, at)]);
    }, ct);

    private static IEnumerable<string> Explain(Found message, ConsentEntry? consent, DateTimeOffset at)
    {
        yield return message.HandedOverAt is { } handed
            ? $"Handed over on {Instant(handed)}{(message.To is null ? "" : $" for {message.To}")}."
            : $"Not handed over: it stands as {MessageStates.Word(message.State)}{(message.Reason is null ? "" : $" ({message.Reason})")}.";
        var kind = message.Stream == MessageStream.Marketing ? "Marketing mail" : "Transactional mail";
        if (message.Purpose is not { } purpose)
            yield return message.Stream == MessageStream.Marketing
                ? $"{kind} of a journey that names no purpose: no consent was asked for, only that the contact had not refused marketing mail and nothing was suppressed. On what legal ground it was sent is the account's to say."
                : $"{kind}: it answers what the contact did, and needs no consent.";
        else if (consent is null) yield return $"{kind} for the purpose “{purpose}”: nothing is on record of it by then.";
        else if (!consent.Granted) yield return $"{kind} for the purpose “{purpose}”: withdrawn on {Instant(consent.At)} ({consent.Source}).";
        else if (consent.ExpiresAt <= at) yield return $"{kind} for the purpose “{purpose}”: the consent of {Instant(consent.At)} had ended on {Instant(consent.ExpiresAt.Value)}.";
        else
        {
            yield return $"{kind} for the purpose “{purpose}”: {Basis(consent.Basis)}, recorded on {Instant(consent.At)} ({consent.Source})"
                + $"{(consent.ExpiresAt is { } until ? $", good until {Instant(until)}" : "")}.";
            if (consent.Wording is { } wording) yield return $"The person read: “{wording}”{(consent.WordingVersion is { } version ? $" (version {version})" : "")}.";
            if (consent.Ip is not null || consent.UserAgent is not null) yield return $"It came {new Visitor(consent.Ip, consent.UserAgent)}.";
            if (consent.Evidence is { } evidence) yield return $"Evidence: {evidence}.";
        }
        if (message.HandedOverAt is not null)
            yield return $"No suppression blocked {kind.ToLowerInvariant()} to the address at that moment: this is checked in the transaction of the hand-over.";
    }

    private static string Basis(string? basis) => basis switch
    {
        ConsentBasis.Express => "express consent",
        ConsentBasis.Implied => "implied consent",
        ConsentBasis.SoftOptIn => "soft opt-in of a customer",
        ConsentBasis.Contract => "a contract",
        ConsentBasis.LegitimateInterest => "a legitimate interest",
        _ => "consent (nobody said on which basis)",
    };

    private static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("d MMMM yyyy HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private sealed record Found(long Contact, MessageState State, DateTimeOffset? HandedOverAt, string? To, MessageStream Stream, string? Purpose, string? Reason);
}
