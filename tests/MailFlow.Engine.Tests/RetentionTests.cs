using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests;

/// <summary>What has been kept long enough goes, whatever else fails.</summary>
public sealed class RetentionTests
{
    private const long Day = 86_400_000;

    // Seen red: the first that failed was the last that was tried.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_kind_that_cannot_be_dropped_is_named_and_stops_no_other(DatabaseKind kind)
    {
        await using var test = await TestDatabase.CreateAsync(kind, null, typeof(Retention).Assembly);
        var now = test.Database.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await KeysAsync(test, now - 32 * Day, now - 30 * Day);
        await test.Database.WriteAsync(session => session.ExecuteAsync("DROP TABLE parked_node", default), default);
        var retention = new Retention(test.Database,
        [
            new RetentionRule("riddles", TimeSpan.FromDays(1), "DELETE FROM riddle"),
            new RetentionRule("dead letters", TimeSpan.FromDays(1), "DELETE FROM dead_letter WHERE at < @before"),
        ]);
        await test.Database.WriteAsync(session => session.ExecuteAsync(
            "INSERT INTO dead_letter (account_id, kind, key, body, error, at) VALUES (1, 1, @key, '', '', 0)", default, ("key", StableHash.Key("old"))), default);

        var failed = await Assert.ThrowsAsync<AggregateException>(() => retention.RunOnceAsync(default));

        Assert.Equal(2, failed.InnerExceptions.Count);
        Assert.Contains("parked activities", failed.Message);
        Assert.Contains("riddles", failed.Message);
        Assert.Equal(1, await CountAsync(test, "event_key")); // the first
        Assert.Equal(0, await CountAsync(test, "dead_letter")); // the last
    }

    // Seen red without the condition on what is caught: a stop was told as a failure of every kind.
    [Fact]
    public async Task A_stop_is_no_failure()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, null, typeof(Retention).Assembly);
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Retention(test.Database, []).RunOnceAsync(stopped.Token));
    }

    // Seen red with the BRIN index, and without the order: half of them being old, PostgreSQL read the table from its beginning.
    [Fact]
    public async Task Old_keys_of_events_are_found_by_their_age_wherever_in_the_table_they_are()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, null, typeof(Retention).Assembly);
        await KeysAsync(test, [.. Enumerable.Range(0, 20_000).Select(i => i * 7919L % 20_000)]);
        await test.Database.WriteAsync(session => session.ExecuteAsync("ANALYZE event_key", default), default);

        var plan = string.Join('\n', await test.Database.ReadAsync(session => session.QueryAsync($"EXPLAIN {Retention.EventKeys.Statements[0]}",
            row => row.Text(0), default, ("before", 10_000L), ("chunk", 20)), default));

        Assert.Contains("Index Scan using event_key_age", plan);
        Assert.DoesNotContain("Seq Scan", plan);
    }

    private static Task<int> KeysAsync(TestDatabase test, params long[] acceptedAt) => test.Database.WriteAsync(session => session.ExecuteAsync(
        "INSERT INTO event_key (key, account_id, accepted_at) SELECT r.key, 1, r.at FROM {rows} WHERE true",
        new Rows<long>(acceptedAt).Uuid("key", at => StableHash.Key("key", at.ToString(System.Globalization.CultureInfo.InvariantCulture))).Long("at", at => at), default), default);

    private static Task<long> CountAsync(TestDatabase test, string table) => test.Database.ReadAsync(session => session.ScalarAsync<long>($"SELECT count(*) FROM {table}", default), default);
}
