using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Audience;

/// <summary>A field that an account's data holds.</summary>
/// <param name="Name">As a rule writes it after <c>contact.</c> or <c>event.</c>.</param>
/// <param name="Type">What it mostly is: text, number, boolean, instant, list or object.</param>
/// <param name="Examples">Up to five short values that were seen.</param>
public sealed record KnownField(string Name, string Type, IReadOnlyList<object> Examples);

/// <summary>A type of event that an account was sent.</summary>
/// <param name="EventType">The type.</param>
/// <param name="LastSeenAt">When the latest happened.</param>
/// <param name="Count30d">How many happened in the last 30 days.</param>
/// <param name="Fields">What its payloads hold.</param>
public sealed record KnownEvent(string EventType, DateTimeOffset LastSeenAt, [property: System.Text.Json.Serialization.JsonPropertyName("count_30d")] long Count30d, IReadOnlyList<KnownField> Fields);

/// <summary>What an account's data holds, for a person to choose from.</summary>
/// <param name="Contact">The fields of contacts: the built-in ones, then attributes.</param>
/// <param name="Tags">The tags, the most frequent first.</param>
/// <param name="Events">The events by type.</param>
/// <param name="Purposes">What consent was asked for, or is offered.</param>
/// <param name="EventsCountedSince">From when on events were counted, when they are too many to look at 30 days.</param>
public sealed record KnownData(
    IReadOnlyList<KnownField> Contact, IReadOnlyList<string> Tags, IReadOnlyList<KnownEvent> Events, IReadOnlyList<string> Purposes, DateTimeOffset? EventsCountedSince);

/// <summary>
/// Looks into the latest data of an account for the names that rules and templates can use. A look is bounded, however much data there is: a field
/// that only older data has is not found.
/// </summary>
public sealed class KnownFields(Database database, RecordedEvents events)
{
    private const int Contacts = 1_000, ContactsLookedAt = 100_000, Consents = 20_000, MostTags = 200;
    private static readonly TimeSpan Counted = TimeSpan.FromDays(30);

    /// <summary>What the account's data holds.</summary>
    public async Task<KnownData> ReadAsync(int accountId, CancellationToken ct)
    {
        var (contacts, consents) = await NewestAsync(ct);
        var (contact, tags, purposes, now) = await database.ReadAsync(async session =>
        {
            var (fields, seen) = await ContactsAsync(session, accountId, contacts - ContactsLookedAt, ct);
            return (fields, seen, await PurposesAsync(session, accountId, consents - Consents, ct), DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct)));
        }, ct);
        var sample = await events.SampleAsync(accountId, now - Counted, ct);
        var payloads = sample.Types.ToDictionary(type => type.EventType, _ => new FieldSample());
        foreach (var (type, payload) in sample.Payloads)
            if (payloads.TryGetValue(type, out var fields)) fields.AddMembers(payload.Where(member => member.Key != "contact")); // is not the event's: it changes the contact
        return new(contact, tags,
            [.. sample.Types.Select(type => new KnownEvent(type.EventType, type.LastSeenAt, type.Count, payloads[type.EventType].Fields()))], purposes, sample.CountedSince);
    }

    private static async Task<(IReadOnlyList<KnownField> Fields, IReadOnlyList<string> Tags)> ContactsAsync(Session session, int accountId, long floor, CancellationToken ct)
    {
        var contacts = await session.QueryAsync(
            $"SELECT {ContactRecord.Columns} FROM contact c WHERE c.account_id = @account AND c.id > @floor ORDER BY c.id DESC LIMIT @limit",
            ContactRecord.Read, ct, ("account", accountId), ("floor", floor), ("limit", Contacts));
        var (builtIn, attributes, tags) = (new FieldSample(), new FieldSample(), new Dictionary<string, int>());
        foreach (var name in new[] { "user_id", "email", "first_name", "last_name", "time_zone" }) builtIn.Declare(name, "text");
        foreach (var name in new[] { "created_at", Engine.Expressions.ContactFields.LastOpenedAt, Engine.Expressions.ContactFields.LastClickedAt }) builtIn.Declare(name, "instant");
        builtIn.Declare("tags", "list");
        foreach (var fields in contacts.Select(contact => contact.Fields))
        {
            builtIn.AddMembers(fields.Where(field => Engine.Expressions.ContactFields.BuiltIn.Contains(field.Key) && field.Key is not (Engine.Expressions.ContactFields.Attributes or "tags")));
            attributes.AddMembers((IReadOnlyDictionary<string, object?>)fields[Engine.Expressions.ContactFields.Attributes]!);
            foreach (var tag in ((IReadOnlyList<object?>)fields["tags"]!).OfType<string>()) tags[tag] = tags.GetValueOrDefault(tag) + 1;
        }
        return ([.. builtIn.Fields(), .. attributes.Fields()],
            [.. tags.OrderByDescending(tag => tag.Value).ThenBy(tag => tag.Key, StringComparer.Ordinal).Take(MostTags).Select(tag => tag.Key)]);
    }

    private static async Task<IReadOnlyList<string>> PurposesAsync(Session session, int accountId, long floor, CancellationToken ct) => await session.QueryAsync(
        "SELECT purpose FROM consent WHERE id > @floor AND account_id = @account UNION SELECT key FROM purpose WHERE account_id = @account ORDER BY 1 LIMIT 200",
        row => row.Text(0), ct, ("floor", floor), ("account", accountId));

    /// <summary>The newest contact and consent of all accounts: one account's newest would have to be searched for.</summary>
    private async Task<(long Contact, long Consent)> NewestAsync(CancellationToken ct)
    {
        using var lifted = AccountWall.Lift();
        return await database.ReadAsync(async session =>
            (await session.ScalarAsync<long>("SELECT max(id) FROM contact", ct), await session.ScalarAsync<long>("SELECT max(id) FROM consent", ct)), ct);
    }
}
