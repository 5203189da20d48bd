using System.Globalization;
using System.Text.RegularExpressions;
using MailFlow.Data;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Storage;

/// <summary>
/// Makes the months of the <see cref="MonthlyTable"/>s ahead, on PostgreSQL. What no month covers goes to the default partition, so that nothing fails for want of one, and is moved
/// into its month as soon as that is made.
/// </summary>
public sealed partial class MonthlyPartitions(Database database, ILogger<MonthlyPartitions> log)
{
    private const int MonthsAhead = 2, PagesAtOnce = 200, Tries = 3;

    /// <summary>Of what others hold we wait this long, because meanwhile others wait for us.</summary>
    private const string Patience = "SET LOCAL lock_timeout = '1s'";

    /// <summary>A partition: from when, and until when it has what. The default one has no end.</summary>
    private sealed record Partition(string Name, long? From, long? To)
    {
        public bool Has(long instant) => To is { } to && instant < to && (From is not { } from || instant >= from);
    }

    /// <summary>Makes this month and the next two where they are missing. What cannot be had at the moment is made the next time.</summary>
    public async Task MakeAheadAsync(CancellationToken ct)
    {
        if (!database.Dialect.IsPostgreSql) return;
        foreach (var table in MonthlyTable.All)
        {
            var (now, there) = await database.ReadAsync(async session => (await session.NowAsync(ct), await ListAsync(session, table, ct)), ct);
            for (var ahead = 0; ahead <= MonthsAhead; ahead++)
            {
                var month = MonthOf(now).AddMonths(ahead);
                if (there.Any(partition => partition.Has(month.ToUnixTimeMilliseconds()))) continue;
                try
                {
                    await database.WriteAsync(session => MakeAsync(session, table, month, ct), ct);
                }
                catch (Exception error) when (database.Dialect.IsTransient(error))
                {
                    LogPutOff(table.Name, month.Year, month.Month, error);
                }
            }
            var uncovered = await database.ReadAsync(session => session.ScalarAsync<long>($"SELECT count(*) FROM (SELECT FROM {table.Name}_default LIMIT 1000) AS found", ct), ct);
            if (uncovered > 0) LogUncovered(table.Name, uncovered);
        }
    }

    /// <summary>Drops the months that ended before an instant, with what they release. Gives how many, and the partitions in which rows must be deleted one by one because they have no beginning.</summary>
    internal static async Task<(int Dropped, IReadOnlyList<string> Parts)> DropAsync(Database database, MonthlyTable table, long before, CancellationToken ct)
    {
        var (dropped, rest) = (0, new List<string>());
        foreach (var partition in await database.ReadAsync(session => ListAsync(session, table, ct), ct))
        {
            if (partition.To <= before && await DropAsync(database, table, partition.Name, before, ct)) dropped++;
            else if (partition.From is null) rest.Add(partition.Name);
        }
        return (dropped, rest);
    }

    private static async Task<bool> DropAsync(Database database, MonthlyTable table, string partition, long before, CancellationToken ct)
    {
        if (table.Released is { } released) await ReleaseAsync(database, released, partition, before, ct);
        for (var left = Tries; left > 0; left--)
        {
            try
            {
                await database.WriteAsync(async session =>
                {
                    await session.ExecuteAsync(Patience, ct);
                    // DETACH CONCURRENTLY would lock less, but is not to be had beside a default partition.
                    await session.ExecuteAsync($"DROP TABLE IF EXISTS {partition}", ct);
                }, ct);
                return true;
            }
            catch (Exception error) when (database.Dialect.IsTransient(error))
            {
                // Somebody reads for long. It is tried again, and then the next time.
            }
        }
        return false;
    }

    /// <summary>Goes through the partition once, some pages a transaction.</summary>
    private static async Task ReleaseAsync(Database database, string released, string partition, long before, CancellationToken ct)
    {
        var pages = await database.ReadAsync(session => session.ScalarAsync<long>($"SELECT pg_relation_size('{partition}') / current_setting('block_size')::int", ct), ct);
        for (var page = 0L; page < pages; page += PagesAtOnce)
        {
            var sql = released.Replace("{rows}", $"{partition} WHERE ctid >= '({page},0)' AND ctid < '({page + PagesAtOnce},0)'", StringComparison.Ordinal);
            await database.WriteAsync(session => session.ExecuteAsync(sql, ct, ("before", before)), ct);
        }
    }

    /// <summary>Beside the table, and then attached: that locks out nobody who reads or writes another month.</summary>
    private static async Task MakeAsync(Session session, MonthlyTable table, DateTimeOffset month, CancellationToken ct)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{table.Name}_{month:yyyy_MM}");
        var (from, to) = (month.ToUnixTimeMilliseconds(), month.AddMonths(1).ToUnixTimeMilliseconds());
        await session.ExecuteAsync(Patience, ct);
        await session.ExecuteAsync($"LOCK TABLE ONLY {table.Name} IN SHARE UPDATE EXCLUSIVE MODE", ct); // one node at a time
        if ((await ListAsync(session, table, ct)).Any(partition => partition.Has(from))) return;
        await session.ExecuteAsync($"CREATE TABLE {name} (LIKE {table.Name})", ct);
        await session.ExecuteAsync($"LOCK TABLE {table.Name}_default IN ACCESS EXCLUSIVE MODE", ct);
        await session.ExecuteAsync($"""
            WITH moved AS (DELETE FROM {table.Name}_default WHERE {table.Instant} >= {from} AND {table.Instant} < {to} RETURNING *) INSERT INTO {name} SELECT * FROM moved
            """, ct);
        await session.ExecuteAsync($"ALTER TABLE {table.Name} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})", ct);
    }

    private static Task<List<Partition>> ListAsync(Session session, MonthlyTable table, CancellationToken ct) => session.QueryAsync("""
        SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = CAST(@table AS regclass) ORDER BY c.relname
        """,
        row =>
        {
            var bounds = Bounds().Match(row.Text(1)).Groups;
            return new Partition(row.Text(0), Bound(bounds[1].Value), Bound(bounds[2].Value));
        },
        ct, ("table", table.Name));

    private static long? Bound(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var instant) ? instant : null;

    private static DateTimeOffset MonthOf(long instant)
    {
        var day = DateTimeOffset.FromUnixTimeMilliseconds(instant);
        return new(day.Year, day.Month, 1, 0, 0, 0, TimeSpan.Zero);
    }

    [GeneratedRegex(@"FROM \('?(-?\w+)'?\) TO \('?(-?\w+)'?\)")]
    private static partial Regex Bounds();

    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "The partition of {Table} for {Year}-{Month} could not be made now and is tried again; until then its rows go to the default partition")]
    private partial void LogPutOff(string table, int year, int month, Exception error);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "The default partition of {Table} holds {Rows} rows (1000: or more) of months that have no partition")]
    private partial void LogUncovered(string table, long rows);
}
