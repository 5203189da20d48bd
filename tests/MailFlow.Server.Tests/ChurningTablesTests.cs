using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>How PostgreSQL is told to keep the tables that change most: docs/operate.md says why.</summary>
public sealed class ChurningTablesTests
{
    [Fact]
    public async Task Queues_are_vacuumed_by_rows_and_rows_changed_in_place_have_room_on_their_page()
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false);
        var tables = (await server.Database.ReadAsync(session => session.QueryAsync("""
            SELECT c.relname, array_to_string(c.reloptions, ' ') FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.reloptions IS NOT NULL
            """, row => (Name: row.Text(0), Options: row.Text(1).Split(' ')), default), default)).ToDictionary(table => table.Name, table => table.Options);

        foreach (var queue in new[] { "inbox", "job", "webhook_call" })
        {
            Assert.Contains("autovacuum_vacuum_scale_factor=0", tables[queue]);
            Assert.Contains("autovacuum_vacuum_cost_delay=0", tables[queue]);
        }
        foreach (var counter in new[] { "journey_count", "rate_bucket", "sending_day", "webhook_day", "schedule_fire" }) Assert.Contains("fillfactor=50", tables[counter]);
        Assert.Contains("fillfactor=85", tables["entry"]);
        Assert.Contains("autovacuum_vacuum_scale_factor=0.02", tables["instance"]);
        Assert.Contains("autovacuum_vacuum_scale_factor=0.05", tables["message"]);
        Assert.Contains("autovacuum_vacuum_scale_factor=0.05", tables["event_key"]);
    }
}
