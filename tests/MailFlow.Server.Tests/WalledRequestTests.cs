using System.Net;
using System.Net.Http.Json;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>PostgreSQL's second wall between accounts, as the server builds and uses it.</summary>
public sealed class WalledRequestTests
{
    /// <summary>The tables that say nothing of anybody's account, and why.</summary>
    private static readonly Dictionary<string, string> Everybodys = new()
    {
        ["schema_version"] = "the migrator's",
        ["engine_epoch"] = "one number for all nodes: read again what you keep in memory",
        ["engine_run"] = "which nodes run",
        ["shard_trial"] = "which stimulus a shard's worker has in hand, by its key",
        ["fact_publisher"] = "which node publishes facts",
        ["node_epoch"] = "starts of nodes",
        ["signing_key"] = "the installation's keys",
    };

    // Seen red with webhook_attempt and webhook_subscription, which carried none.
    [Fact]
    public async Task Every_table_carries_an_account_and_is_walled_or_is_everybodys_for_a_reason()
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false);
        var tables = await server.Database.ReadAsync(session => session.QueryAsync("""
            SELECT c.relname, c.relrowsecurity AND EXISTS (
              SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*' AND pg_get_expr(p.polqual, c.oid) LIKE '(%id = %mailflow.account%' AND p.polroles <> '{0}')
            FROM pg_class c
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT LIKE 'qrtz\_%'
            """, row => (Name: row.Text(0), IsWalled: row.Bool(1)), default), default);

        Assert.Equal(Everybodys.Keys.Order(), tables.Where(table => !table.IsWalled).Select(table => table.Name).Order());
        Assert.True(tables.Count > 40, $"Only {tables.Count} tables were looked at.");
    }

    [Fact]
    public async Task What_a_request_does_runs_behind_the_wall_and_what_asks_for_no_account_before_it()
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        await server.Admin.PutAsJsonAsync("/api/v1/segments/all", new { rule = "contact.email != \"\"" });
        (await other.PostAsJsonAsync("/api/v1/users", new { email = "eve@example.org", role = "viewer", password = ServerUnderTest.Password })).EnsureSuccessStatusCode();
        var eve = await server.SignedInAsync("eve@example.org", ServerUnderTest.Password);
        await server.SignedInAsync(Access.Role.Viewer);

        // Signing in belongs to whoever the password is, though a cookie of another account comes with it.
        (await eve.PostAsJsonAsync("/api/v1/session", new { email = "viewer@example.org", password = ServerUnderTest.Password })).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.GetAsync("/api/v1/segments/all")).StatusCode);
        await server.Database.WriteAsync(session => session.ExecuteAsync("ALTER POLICY own_account ON segment USING (false)", default), default);

        await (await server.Admin.GetAsync("/api/v1/segments/all")).ProblemAsync(404);
        Assert.Equal(1, await server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM segment", default), default));
    }

    [Fact]
    public async Task A_users_address_that_another_account_has_is_taken_and_a_password_can_be_changed_behind_the_wall()
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        (await other.PostAsJsonAsync("/api/v1/users", new { email = "eve@example.org", role = "viewer", password = ServerUnderTest.Password })).EnsureSuccessStatusCode();
        var made = await (await server.Admin.PostAsJsonAsync("/api/v1/users", new { email = "ada@example.org", role = "viewer", password = ServerUnderTest.Password })).JsonAsync();

        await (await server.Admin.PutAsync($"/api/v1/users/{made.GetProperty("id").GetString()}", Json("""{"email":"eve@example.org"}"""))).ProblemAsync(409);
        var ada = await server.SignedInAsync("ada@example.org", ServerUnderTest.Password);
        var changed = await ada.PutAsJsonAsync("/api/v1/session/password", new { current = ServerUnderTest.Password, @new = "another long password" });

        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await ada.GetAsync("/api/v1/session")).StatusCode);
    }
}
