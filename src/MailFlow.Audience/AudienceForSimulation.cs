using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Audience;

/// <summary>The contact with consents and suppressions, and all segments: a rule is a line of text.</summary>
internal sealed class AudienceForSimulation(Suppressions suppressions) : ISimulationSource
{
    private const string OfContact = "(SELECT id FROM contact WHERE account_id = @account AND user_id = @user)";

    public async Task CopyAsync(Session from, Session into, SimulationScope scope, CancellationToken ct)
    {
        await CopySegmentsAsync(from, into, scope.AccountId, ct);
        if (scope.UserId is not { } user) return;
        await CopyContactAsync(from, into, scope.AccountId, user, ct);
        await CopyConsentsAsync(from, into, scope.AccountId, user, ct);
        await CopySuppressionsAsync(from, into, scope.AccountId, user, ct);
    }

    private static async Task CopySegmentsAsync(Session from, Session into, int account, CancellationToken ct)
    {
        var segments = await from.QueryAsync("SELECT key, name, rule FROM segment WHERE account_id = @account",
            row => (Key: row.Text(0), Name: row.Text(1), Rule: row.Text(2)), ct, ("account", account));
        await into.ExecuteAsync("INSERT INTO segment (account_id, key, name, rule, created_at, updated_at) SELECT @account, r.key, r.name, r.rule, 0, 0 FROM {rows}",
            new Rows<(string Key, string Name, string Rule)>(segments).Text("key", s => s.Key).Text("name", s => s.Name).Text("rule", s => s.Rule),
            ct, ("account", account));
    }

    private static async Task CopyContactAsync(Session from, Session into, int account, string user, CancellationToken ct)
    {
        var contacts = await from.QueryAsync("""
            SELECT id, shard, email, first_name, last_name, time_zone, attributes, tags, created_at, updated_at, last_opened_at, last_clicked_at FROM contact
            WHERE account_id = @account AND user_id = @user
            """,
            row => (Id: row.Long(0), Shard: row.Int(1), Email: row.TextOrNull(2), First: row.TextOrNull(3), Last: row.TextOrNull(4), Zone: row.TextOrNull(5),
                Attributes: row.Text(6), Tags: row.Text(7), Created: row.Long(8), Updated: row.Long(9), Opened: row.LongOrNull(10), Clicked: row.LongOrNull(11)),
            ct, ("account", account), ("user", user));
        if (contacts is not [var contact]) throw new NotFoundException($"There is no contact '{user}'.");
        await into.ExecuteAsync("""
            INSERT INTO contact (id, account_id, shard, user_id, email, first_name, last_name, time_zone, attributes, tags, created_at, updated_at, last_opened_at, last_clicked_at)
            VALUES (@id, @account, @shard, @user, @email, @first, @last, @zone, @attributes, @tags, @created, @updated, @opened, @clicked)
            """,
            ct, ("id", contact.Id), ("account", account), ("shard", contact.Shard), ("user", user), ("email", contact.Email), ("first", contact.First), ("last", contact.Last),
            ("zone", contact.Zone), ("attributes", contact.Attributes), ("tags", contact.Tags), ("created", contact.Created), ("updated", contact.Updated),
            ("opened", contact.Opened), ("clicked", contact.Clicked));
    }

    private static async Task CopyConsentsAsync(Session from, Session into, int account, string user, CancellationToken ct)
    {
        var consents = await from.QueryAsync($"SELECT contact_id, purpose, granted, source, at, expires_at, basis FROM consent WHERE account_id = @account AND contact_id = {OfContact} ORDER BY id",
            row => (Contact: row.Long(0), Purpose: row.Text(1), Granted: row.Bool(2), Source: row.Text(3), At: row.Long(4), Expires: row.LongOrNull(5), Basis: row.TextOrNull(6)), ct, ("account", account), ("user", user));
        await into.ExecuteAsync("""
            INSERT INTO consent (account_id, contact_id, purpose, granted, source, at, expires_at, basis)
            SELECT @account, r.contact_id, r.purpose, r.granted, r.source, r.at, r.expires_at, r.basis FROM {rows}
            """,
            new Rows<(long Contact, string Purpose, bool Granted, string Source, long At, long? Expires, string? Basis)>(consents).Long("contact_id", c => c.Contact).Text("purpose", c => c.Purpose)
                .Bool("granted", c => c.Granted).Text("source", c => c.Source).Long("at", c => c.At).LongOrNull("expires_at", c => c.Expires).Text("basis", c => c.Basis),
            ct, ("account", account));
    }

    private async Task CopySuppressionsAsync(Session from, Session into, int account, string user, CancellationToken ct)
    {
        var email = await from.ScalarAsync<string>($"SELECT email_key FROM contact WHERE id = {OfContact}", ct, ("account", account), ("user", user));
        if (email is null) return;
        var found = await suppressions.OfAsync(from, account, email, ct);
        await into.ExecuteAsync("""
            INSERT INTO suppression (account_id, email, scope, reason, severity, source, at, detail, expires_at)
            SELECT @account, r.email, r.scope, r.reason, r.severity, r.source, r.at, r.detail, r.expires_at FROM {rows} WHERE true
            ON CONFLICT (account_id, email, scope) DO NOTHING
            """,
            // The throw-away store has another key for its hashes: there the address stands in their place.
            new Rows<Suppression>(found).Text("email", s => s.Kind == "erased" ? email : s.Email).Text("scope", s => s.Scope).Text("reason", s => s.Reason)
                .Int("severity", s => SuppressionReason.Severity(s.Reason)).Text("source", s => s.Source).Long("at", s => s.At.ToUnixTimeMilliseconds())
                .Text("detail", s => s.Detail).LongOrNull("expires_at", s => s.ExpiresAt?.ToUnixTimeMilliseconds()),
            ct, ("account", account));
    }
}
