using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>A contact's events and trips: what came in, what the instances remember, what is on its way. Their history is told by who can put names to it.</summary>
internal sealed class PersonalTrips : IPersonalData
{
    private const string Reason = "the contact's data is erased";

    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct)
    {
        var events = await session.QueryAsync("SELECT event_id, event_type, occurred_at, accepted_at, payload FROM event WHERE contact_id = @contact AND account_id = @account ORDER BY occurred_at, id",
            row => Members(("event_id", row.Text(0)), ("event_type", row.Text(1)), ("occurred_at", row.Instant(2)), ("accepted_at", row.Instant(3)), ("payload", JsonData.ParseMap(row.Text(4)))),
            ct, Of(person));
        var waiting = await session.QueryAsync("SELECT kind, accepted_at, body FROM inbox WHERE shard = @shard AND account_id = @account AND user_id = @user ORDER BY id",
            row => Members(("kind", ((InboxKind)row.Int(0)).ToString()), ("accepted_at", row.Instant(1)), ("body", BodyOf(row.Text(2)))),
            ct, ("shard", StableHash.Shard(person.AccountId, person.UserId)), ("account", person.AccountId), ("user", person.UserId));
        var laidAside = await session.QueryAsync("SELECT kind, at, error, body FROM dead_letter WHERE account_id = @account AND user_id = @user ORDER BY id",
            row => Members(("kind", ((InboxKind)row.Int(0)).ToString()), ("at", row.Instant(1)), ("error", row.Text(2)), ("body", BodyOf(row.Text(3)))),
            ct, ("account", person.AccountId), ("user", person.UserId));
        var ids = await TripsAsync(session, person, ct);
        var trips = await session.QueryAsync("""
            SELECT i.id, j.definition_id, i.status, i.updated_at, i.format, i.state FROM {rows} JOIN instance i ON i.id = r.id JOIN journey j ON j.id = i.journey_id
            """,
            new Rows<Guid>(ids).Uuid("id", id => id),
            row =>
            {
                var state = StateCodec.Read(row.Bytes(5), row.Int(4));
                return Members(("id", row.Uuid(0)), ("journey", row.Text(1)), ("status", ((InstanceStatus)row.Int(2)).ToString()), ("updated_at", row.Instant(3)),
                    ("variables", state.Variables), ("trigger", state.Trigger), ("event", state.Event));
            }, ct);
        var entries = await session.QueryAsync("""
            SELECT j.definition_id, e.entries, e.entered_at FROM entry e JOIN journey j ON j.id = e.journey_id WHERE e.contact_id = @contact AND e.account_id = @account ORDER BY e.entered_at, j.id
            """,
            row => Members(("journey", row.Text(0)), ("entries", row.Long(1)), ("last_entered_at", row.Instant(2))), ct, Of(person));
        // A job's input is made of what is told elsewhere, and may hold the secrets of the system that it calls.
        var jobs = await session.QueryAsync("SELECT instance_id, activity_type, attempt, due_at, last_error FROM job WHERE contact_id = @contact AND account_id = @account ORDER BY due_at, key",
            row => Members(("trip", row.Uuid(0)), ("activity", row.Text(1)), ("attempts", row.Long(2)), ("due_at", row.Instant(3)), ("last_error", row.TextOrNull(4))), ct, Of(person));
        return [new("events", events), new("events_not_yet_processed", waiting), new("dead_letters", laidAside), new("journeys", trips), new("entries", entries), new("jobs", jobs)];
    }

    /// <summary>What has not been worked yet is dropped; what runs is ended by the shard's worker, the only one that writes instances.</summary>
    public async Task StopAsync(Session session, Person person, CancellationToken ct)
    {
        var (shard, now) = (StableHash.Shard(person.AccountId, person.UserId), await session.NowAsync(ct));
        await session.ExecuteAsync("DELETE FROM inbox WHERE shard = @shard AND account_id = @account AND user_id = @user", ct,
            ("shard", shard), ("account", person.AccountId), ("user", person.UserId));
        var live = await LiveAsync(session, person, ct);
        await Inbox.PostAsync(session, [.. live.Select(id => InboxItem.For(person.AccountId, person.UserId, InboxKind.Cancel,
            StableHash.TimedKey(now, StableHash.Key("erase", id.ToString())), Members(("instance", id.ToString()), ("reason", Reason))))], now, ct);
    }

    public async Task<bool> IsAtRestAsync(Session session, Person person, CancellationToken ct) =>
        (await LiveAsync(session, person, ct)).Count == 0
        && await session.ScalarAsync<long>("SELECT count(*) FROM inbox WHERE shard = @shard AND account_id = @account AND user_id = @user", ct,
            ("shard", StableHash.Shard(person.AccountId, person.UserId)), ("account", person.AccountId), ("user", person.UserId)) == 0;

    public async Task EraseAsync(Session session, Person person, CancellationToken ct)
    {
        var ids = await TripsAsync(session, person, ct);
        // Who intervened in a trip stays on record; whose trip it was does not.
        await session.ExecuteAsync("UPDATE audit SET detail = @none FROM {rows} WHERE audit.account_id = @account AND audit.subject = r.subject",
            new Rows<Guid>(ids).Text("subject", id => id.ToString()), ct, ("account", person.AccountId), ("none", new JsonText("{}")));
        await session.ExecuteAsync("DELETE FROM instance WHERE contact_id = @contact AND id IN (SELECT r.id FROM {rows})", new Rows<Guid>(ids).Uuid("id", id => id), ct, ("contact", person.ContactId));
        foreach (var table in new[] { "event", "history", "entry", "job" })
            await session.ExecuteAsync($"DELETE FROM {table} WHERE contact_id = @contact AND account_id = @account", ct, Of(person));
        await session.ExecuteAsync("DELETE FROM dead_letter WHERE account_id = @account AND user_id = @user", ct, ("account", person.AccountId), ("user", person.UserId));
    }

    private static Task<List<Guid>> LiveAsync(Session session, Person person, CancellationToken ct) => session.QueryAsync("""
        SELECT id FROM instance WHERE contact_id = @contact AND status = 0 UNION ALL SELECT id FROM instance WHERE contact_id = @contact AND status = 3
        """,
        row => row.Uuid(0), ct, ("contact", person.ContactId));

    /// <summary>All trips, those that ended too: these are found by what they left, because no index holds them by contact.</summary>
    private static async Task<List<Guid>> TripsAsync(Session session, Person person, CancellationToken ct) =>
    [
        .. (await session.QueryAsync("SELECT DISTINCT instance_id FROM history WHERE contact_id = @contact AND instance_id IS NOT NULL", row => row.Uuid(0), ct, ("contact", person.ContactId)))
            .Union(await LiveAsync(session, person, ct)).Order(),
    ];

    /// <summary>As it came, should it be what is broken.</summary>
    private static object? BodyOf(string body)
    {
        try
        {
            return JsonData.Parse(body);
        }
        catch (JsonException)
        {
            return body;
        }
    }

    private static (string, object?)[] Of(Person person) => [("contact", person.ContactId), ("account", person.AccountId)];

    private static Dictionary<string, object?> Members(params (string Name, object? Value)[] members) => members.ToDictionary(member => member.Name, member => member.Value);
}
