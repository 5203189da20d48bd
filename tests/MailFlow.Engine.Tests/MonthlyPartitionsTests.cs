using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Engine.Tests;

/// <summary>History and events by month, on PostgreSQL.</summary>
public sealed class MonthlyPartitionsTests
{
    private static readonly long January = Instant(2026, 1, 5), March = Instant(2026, 3, 31), Later = Instant(2027, 6, 1);

    [Fact]
    public async Task Months_are_made_ahead_and_what_went_to_the_default_partition_meanwhile_moves_into_its_own()
    {
        await using var test = await NewAsync();
        await LinesAsync(test, (January, null), (Later, null)); // no month yet: nothing fails

        await MakeAheadAsync(test);
        await MakeAheadAsync(test); // again: nothing to do
        await LinesAsync(test, (January, null), (March, null));

        Assert.Equal([("history_2026_01", 2), ("history_2026_02", 0), ("history_2026_03", 1), ("history_default", 1)], await PartsAsync(test, "history"));
        Assert.Equal([("event_2026_01", 0), ("event_2026_02", 0), ("event_2026_03", 0), ("event_default", 0)], await PartsAsync(test, "event"));
        Assert.Equal(4, await CountAsync(test, "SELECT count(DISTINCT seq) FROM history"));
    }

    [Fact]
    public async Task A_month_that_is_too_old_is_dropped_whole_with_the_trips_that_ended_in_it()
    {
        await using var test = await NewAsync();
        var (ended, waiting) = (StableHash.Key("ended"), StableHash.Key("waiting"));
        await MakeAheadAsync(test);
        await InstanceAsync(test, ended, status: 1);
        await InstanceAsync(test, waiting, status: 0);
        await LinesAsync(test, (January, ended), (January, waiting), (March, waiting), (January - 86_400_000L * 60, null), (Later, null));
        var retention = new Retention(test.Database, [HistoryStore.Kept(new RetentionOptions { History = TimeSpan.FromDays(30) }, Dialect.PostgreSql), EventStore.Kept]);

        Assert.Equal(1, await retention.RunOnceAsync(default)); // the line of November, which is in no month
        ((FakeTime)test.Database.Time).Advance(TimeSpan.FromDays(60));
        Assert.Equal(1, await retention.RunOnceAsync(default));

        Assert.Equal([("history_2026_02", 0), ("history_2026_03", 1), ("history_default", 1)], await PartsAsync(test, "history"));
        Assert.Equal([waiting], await test.Database.ReadAsync(session => session.QueryAsync("SELECT id FROM instance", row => row.Uuid(0), default), default));
    }

    [Fact]
    public async Task The_rows_of_a_table_from_before_stay_and_go_by_and_by()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        await ApplyBeforeAsync(test, "030_partitions.sql");
        await LinesAsync(test, (January, null), (March, null));
        await EventAsync(test, "old");

        await Migrator.ApplyAsync(test.Database, [typeof(Retention).Assembly], default);
        await MakeAheadAsync(test);
        await LinesAsync(test, (Later + 86_400_000L * 365 * 10, null));
        await EventAsync(test, "new");

        // Until the month after now, by the database's own clock, all is one partition.
        Assert.Equal([("history_before", 2), ("history_default", 1)], await PartsAsync(test, "history"));
        Assert.Equal([("event_before", 2), ("event_default", 0)], await PartsAsync(test, "event"));
        Assert.Equal(["old", "new"], await test.Database.ReadAsync(session => session.QueryAsync("SELECT event_id FROM event ORDER BY id", row => row.Text(0), default), default));
        Assert.Equal(3, await CountAsync(test, "SELECT max(seq) FROM history"));
        ((FakeTime)test.Database.Time).Advance(TimeSpan.FromDays(60));
        Assert.Equal(1, await new Retention(test.Database, [HistoryStore.Kept(new RetentionOptions { History = TimeSpan.FromDays(30) }, Dialect.PostgreSql)]).RunOnceAsync(default));
        Assert.Equal([("history_before", 1), ("history_default", 1)], await PartsAsync(test, "history"));
    }

    private static Task<TestDatabase> NewAsync() => TestDatabase.CreateAsync(DatabaseKind.PostgreSql, null, typeof(Retention).Assembly);

    private static Task MakeAheadAsync(TestDatabase test) => new MonthlyPartitions(test.Database, NullLogger<MonthlyPartitions>.Instance).MakeAheadAsync(default);

    /// <summary>As a server of before has left it: the engine's files up to this one.</summary>
    private static async Task ApplyBeforeAsync(TestDatabase test, string file)
    {
        const string prefix = "MailFlow.Engine.Schema.postgres.";
        var assembly = typeof(Retention).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..]).Order(StringComparer.Ordinal))
        {
            if (string.CompareOrdinal(name, file) >= 0) break;
            using var reader = new StreamReader(assembly.GetManifestResourceStream(prefix + name)!);
            var sql = await reader.ReadToEndAsync();
            await test.Database.WriteAsync(async session =>
            {
                await session.ExecuteAsync(sql, default);
                await session.ExecuteAsync("INSERT INTO schema_version (name) VALUES (@name)", default, ("name", $"MailFlow.Engine/{name}"));
            }, default);
        }
    }

    private static Task<int> LinesAsync(TestDatabase test, params (long At, Guid? Instance)[] lines) => test.Database.WriteAsync(session => session.ExecuteAsync(
        "INSERT INTO history (at, contact_id, version_id, instance_id, account_id, steps) SELECT r.at, 1, 1, r.instance, 1, '[]' FROM {rows}",
        new Rows<(long At, Guid? Instance)>(lines).Long("at", line => line.At).UuidOrNull("instance", line => line.Instance), default), default);

    private static Task<int> EventAsync(TestDatabase test, string id) => test.Database.WriteAsync(session => session.ExecuteAsync(
        "INSERT INTO event (account_id, contact_id, event_type, event_id, occurred_at, accepted_at, payload) VALUES (1, 1, 't', @id, @at, @at, '{}')", default, ("id", id), ("at", January)), default);

    private static Task<int> InstanceAsync(TestDatabase test, Guid id, int status) => test.Database.WriteAsync(session => session.ExecuteAsync("""
        INSERT INTO instance (id, contact_id, version_id, updated_at, account_id, journey_id, ver, shard, status, format, state) VALUES (@id, 1, 1, @at, 1, 1, 1, 0, @status, 1, '')
        """, default, ("id", id), ("at", January), ("status", status)), default);

    private static async Task<List<(string Name, int Rows)>> PartsAsync(TestDatabase test, string table)
    {
        var names = await test.Database.ReadAsync(session => session.QueryAsync(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = CAST(@table AS regclass) ORDER BY 1", row => row.Text(0), default, ("table", table)), default);
        var parts = new List<(string, int)>();
        foreach (var name in names) parts.Add((name, (int)await CountAsync(test, $"SELECT count(*) FROM {name}")));
        return parts;
    }

    private static Task<long> CountAsync(TestDatabase test, string sql) => test.Database.ReadAsync(session => session.ScalarAsync<long>(sql, default), default);

    private static long Instant(int year, int month, int day) => new DateTimeOffset(year, month, day, 9, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
}
