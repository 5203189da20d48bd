using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Journeys.Tests;

/// <summary>How PostgreSQL finds a contact's lines among months of history.</summary>
public sealed class TracePlanTests
{
    [Fact]
    public async Task A_contacts_lines_are_found_by_the_index_of_each_month_from_where_the_page_begins()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, null, typeof(Retention).Assembly);
        await new MonthlyPartitions(test.Database, NullLogger<MonthlyPartitions>.Instance).MakeAheadAsync(default);
        var january = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await test.Database.WriteAsync(session => session.ExecuteAsync("""
            INSERT INTO history (at, contact_id, version_id, account_id, steps)
            SELECT CAST(@january AS bigint) + n * CAST(800000 AS bigint), n % 300, 1, 1, '[]' FROM generate_series(1, 9000) n
            """, default, ("january", january.ToUnixTimeMilliseconds())), default);
        await test.Database.WriteAsync(session => session.ExecuteAsync("ANALYZE history", default), default);

        var (all, fromMarch) = (await PlanAsync(january), await PlanAsync(january.AddMonths(2)));

        Assert.DoesNotContain("Seq Scan on history_2026", all);
        foreach (var month in new[] { "history_2026_01", "history_2026_02", "history_2026_03" }) Assert.Contains($"{month}_contact_id_at_seq_idx", all);
        Assert.DoesNotContain("history_2026_01", fromMarch);
        Assert.DoesNotContain("history_2026_02", fromMarch);
        Assert.Contains("history_2026_03_contact_id_at_seq_idx", fromMarch);

        async Task<string> PlanAsync(DateTimeOffset at) => string.Join('\n', await test.Database.ReadAsync(session => session.QueryAsync($"EXPLAIN {ContactTrace.LinesSql}",
            row => row.Text(0), default, ("contact", 17L), ("at", at.ToUnixTimeMilliseconds()), ("seq", 0L), ("limit", 20)), default));
    }
}
