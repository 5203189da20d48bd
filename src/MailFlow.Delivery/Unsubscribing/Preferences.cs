using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery;

/// <summary>A purpose on a recipient's page.</summary>
/// <param name="Key">Names it.</param>
/// <param name="Name">What recipients call it.</param>
/// <param name="Description">What they get.</param>
/// <param name="Subscribed">Whether this one gets it.</param>
public sealed record PreferenceTopic(string Key, string Name, string Description, bool Subscribed);

/// <summary>What the preference centre shows.</summary>
/// <param name="Email">The address it is about.</param>
/// <param name="SenderName">Whose mail it is.</param>
/// <param name="Topics">What can be chosen among; none where the contact has another address by now.</param>
/// <param name="PausedUntil">Until when the recipient wants nothing; null for no pause.</param>
/// <param name="Unsubscribed">Whether no marketing mail goes to the address at all.</param>
public sealed record PreferencePage(string Email, string SenderName, IReadOnlyList<PreferenceTopic> Topics, DateTimeOffset? PausedUntil, bool Unsubscribed);

/// <summary>What a recipient chose.</summary>
public abstract record PreferenceChoice
{
    /// <summary>These topics and no others of those shown.</summary>
    public sealed record Topics(IReadOnlySet<string> Keys) : PreferenceChoice;

    /// <summary>No marketing mail for so many days.</summary>
    public sealed record Pause(int Days) : PreferenceChoice
    {
        /// <summary>How many there can be.</summary>
        public static IReadOnlyList<int> Choices { get; } = [30, 60, 90];
    }

    /// <summary>The pause is over.</summary>
    public sealed record Resume : PreferenceChoice;

    /// <summary>No marketing mail any more.</summary>
    public sealed record UnsubscribeFromAll : PreferenceChoice;
}

/// <summary>The preference centre behind the link <c>preferences_url</c>. Looking changes nothing; what is chosen there holds from the next hand-over on.</summary>
public sealed class Preferences
{
    /// <summary>The server's path; the token follows after a slash.</summary>
    public const string Path = "/preferences";

    private readonly Database _database;
    private readonly UnsubscribeLinks _links;
    private readonly Suppressions _suppressions;
    private readonly Consents _consents;
    private readonly IContactStore _contacts;
    private readonly Senders _senders;
    private readonly EventIntake _events;

    internal Preferences(Database database, UnsubscribeLinks links, Suppressions suppressions, Consents consents, IContactStore contacts, Senders senders, EventIntake events) =>
        (_database, _links, _suppressions, _consents, _contacts, _senders, _events) = (database, links, suppressions, consents, contacts, senders, events);

    /// <summary>What to show for a token; null for one that we did not sign, or whose contact is no more.</summary>
    public async Task<PreferencePage?> ReadAsync(string token, CancellationToken ct)
    {
        if (await _links.ReadPreferencesAsync(token, ct) is not { } subject) return null;
        var sender = await _senders.FindAsync(subject.AccountId, ct);
        return await _database.ReadAsync(async session =>
        {
            if (await _contacts.FindAsync(session, subject, ct) is not { } contact) return null;
            var marketing = (await _suppressions.OfAsync(session, subject.AccountId, subject.Email, ct)).Where(s => s.Scope != Suppression.Transactional).ToList();
            var topics = contact.StillHas(subject) ? await TopicsAsync(session, subject, ct) : [];
            // A bounce, a provider's list or an operator stop mail as well, but whoever comes here to leave has not left by that.
            var unsubscribed = marketing.Exists(s => s.ExpiresAt is null && s.Reason is SuppressionReason.Unsubscribed or SuppressionReason.Complaint);
            return new PreferencePage(subject.Email, sender.Name, topics, marketing.Where(s => s.Reason == SuppressionReason.Paused).Max(s => s.ExpiresAt), unsubscribed);
        }, ct);
    }

    /// <summary>Does what a recipient chose. Repeating it changes nothing. False for a token that we did not sign, or whose contact is no more.</summary>
    public async Task<bool> ActAsync(string token, PreferenceChoice choice, Visitor visitor, CancellationToken ct)
    {
        if (await _links.ReadPreferencesAsync(token, ct) is not { } subject) return false;
        if (await _database.ReadAsync(session => _contacts.FindAsync(session, subject, ct), ct) is not { } known) return false;
        var shards = await _database.WriteAsync<IReadOnlyCollection<int>?>(async session =>
        {
            // A yes to a topic may concern all who have the address; nothing else does.
            IReadOnlyList<long> sharing = [];
            if (choice is PreferenceChoice.Topics) sharing = await Returning.LockAsync(session, subject, known.UserId, ct);
            else await session.LockShardAsync(StableHash.Shard(subject.AccountId, known.UserId), wait: true, ct);
            if (await _contacts.FindAsync(session, subject, ct) is not { } contact) return null;
            IReadOnlyCollection<int> raised = [];
            var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
            var detail = $"preference centre, link of message {subject.MessageId}, followed {visitor}";
            switch (choice)
            {
                case PreferenceChoice.Topics(var keys) when contact.StillHas(subject):
                    await ChooseAsync(session, sharing, subject, keys, visitor, now, ct);
                    break;
                case PreferenceChoice.Pause(var days):
                    await _suppressions.AddAsync(session, subject.AccountId, subject.Email, SuppressionReason.Paused, Suppression.Marketing, Consents.PreferenceCentre, ct, detail, now.AddDays(days));
                    break;
                case PreferenceChoice.Resume:
                    await _suppressions.RemoveAsync(session, subject.AccountId, subject.Email, Suppression.Marketing, ct, SuppressionReason.Paused);
                    break;
                case PreferenceChoice.UnsubscribeFromAll:
                    raised = await Leaving.RaiseAsync(session, _events, subject, ct);
                    await Leaving.SuppressAsync(session, _suppressions, subject, contact, Consents.PreferenceCentre, Consents.PreferenceCentre, detail, ct);
                    var states = (await _consents.StatesAsync(session, subject.AccountId, [subject.ContactId], ct))[subject.ContactId];
                    await _consents.RecordAsync(session, [.. states.Where(state => state.Value).Select(state => state.Key).Append(Consents.Marketing).Distinct()
                        .Select(purpose => Said(subject, purpose, false, null, visitor, now))], ct);
                    break;
            }
            return raised;
        }, ct);
        if (shards is null) return false;
        _events.Signal(shards);
        return true;
    }

    /// <summary>
    /// Of what the page shows, what is ticked is agreed to and what is not is withdrawn. Whoever had left everything, so that nothing was ticked, and ticks anything wants that mail again. A
    /// pause goes on: the page says that there is one, and has a button to end it.
    /// </summary>
    private async Task ChooseAsync(Session session, IReadOnlyList<long> sharing, UnsubscribeSubject subject, IReadOnlySet<string> keys, Visitor visitor, DateTimeOffset now, CancellationToken ct)
    {
        var purposes = (await Purposes.ListAsync(session, subject.AccountId, ct)).Where(purpose => purpose.Offered).ToList();
        var states = (await _consents.StatesAsync(session, subject.AccountId, [subject.ContactId], ct))[subject.ContactId];
        var said = purposes.Where(purpose => keys.Contains(purpose.Key) || states.GetValueOrDefault(purpose.Key))
            .Select(purpose => Said(subject, purpose.Key, keys.Contains(purpose.Key), purpose, visitor, now)).ToList();
        if (said.Where(consent => consent.Granted).Select(consent => consent.Purpose).ToList() is { Count: > 0 } ticked)
            await Returning.LiftAsync(session, sharing, _suppressions, _consents, subject, ticked, now, ct, SuppressionReason.Unsubscribed);
        await _consents.RecordAsync(session, said, ct);
    }

    /// <summary>Ticked is what mail goes out for: a yes that a later refusal of marketing overrules is none, and saving the page must not say it anew.</summary>
    private async Task<IReadOnlyList<PreferenceTopic>> TopicsAsync(Session session, UnsubscribeSubject subject, CancellationToken ct)
    {
        var states = (await _consents.StatesAsync(session, subject.AccountId, [subject.ContactId], ct))[subject.ContactId];
        var topics = new List<PreferenceTopic>();
        foreach (var purpose in (await Purposes.ListAsync(session, subject.AccountId, ct)).Where(purpose => purpose.Offered))
        {
            var subscribed = states.GetValueOrDefault(purpose.Key)
                && (await _consents.RefusedMarketingAsync(session, subject.AccountId, purpose.Key, [subject.ContactId], ct)).Count == 0;
            topics.Add(new(purpose.Key, purpose.Name, purpose.Description, subscribed));
        }
        return topics;
    }

    private static Consent Said(UnsubscribeSubject subject, string purpose, bool granted, Purpose? shown, Visitor visitor, DateTimeOffset now) => new(
        subject.AccountId, subject.ContactId, purpose, granted, Consents.PreferenceCentre, now, $"preference centre, link of message {subject.MessageId}", new ConsentProof(
            granted ? ConsentBasis.Express : null, granted ? shown?.Wording : null, granted ? shown?.Version.ToString(System.Globalization.CultureInfo.InvariantCulture) : null,
            visitor.Ip, visitor.UserAgent, null, subject.MessageId));
}
