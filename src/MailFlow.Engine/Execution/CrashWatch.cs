using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Finds what kills the process. A node that starts and finds that its last run died works every shard from a single stimulus up, one shard at a time; the
/// stimulus that is tried alone is written down first. What five runs have died of, alone, is not tried again. While nothing dies, none of this is written.
/// </summary>
internal sealed class CrashWatch(Database database, string node)
{
    /// <summary>
    /// How many runs may die with the same lone stimulus in hand. The first one tried after a start is always the same, so that whatever else kills the
    /// process early (too little memory, an impatient supervisor) looks like its doing: few deaths prove nothing.
    /// </summary>
    internal const int MostDeaths = 5;

    private readonly Guid _run = Guid.CreateVersion7(database.Time.GetUtcNow());

    /// <summary>What a claim of one has in hand.</summary>
    public static string NameOf(Claim claim) => claim.Inbox is [var row, ..] ? $"inbox {row.Id}" : $"instance {claim.Due[0].Id} due {claim.Due[0].DueAt}";

    /// <summary>
    /// Says that this node runs; true when its last run ended without saying so. Only here are deaths counted: a mark that another live node has put, or that
    /// a run left which stopped in good order, is none.
    /// </summary>
    public Task<bool> BeginAsync(CancellationToken ct) => database.WriteAsync(async session =>
    {
        var last = await session.QueryAsync("SELECT run FROM engine_run WHERE node = @node", row => row.UuidOrNull(0), ct, ("node", node));
        await session.ExecuteAsync("""
            INSERT INTO engine_run (node, run, started_at) VALUES (@node, @run, @now)
            ON CONFLICT (node) DO UPDATE SET run = excluded.run, started_at = excluded.started_at
            """, ct, ("node", node), ("run", _run), ("now", await session.NowAsync(ct)));
        if (last is not [var died]) return false;
        if (died is not null) await session.ExecuteAsync("UPDATE shard_trial SET deaths = deaths + 1 WHERE run = @died", ct, ("died", died));
        return true;
    }, ct);

    /// <summary>Says that this node has stopped in good order.</summary>
    public Task EndAsync(CancellationToken ct) => database.WriteAsync(session => session.ExecuteAsync("DELETE FROM engine_run WHERE node = @node", ct, ("node", node)), ct);

    /// <summary>Writes down the one stimulus about to be tried, in the transaction that has locked its shard; false when it has killed too many runs.</summary>
    public async Task<bool> MarkAsync(Session session, int shard, Claim claim, CancellationToken ct)
    {
        var stimulus = NameOf(claim);
        var marked = await session.QueryAsync("SELECT stimulus, deaths FROM shard_trial WHERE shard = @shard",
            mark => (Stimulus: mark.Text(0), Deaths: mark.Int(1)), ct, ("shard", shard));
        var deaths = marked is [var last] && last.Stimulus == stimulus ? last.Deaths : 0;
        await session.ExecuteAsync("""
            INSERT INTO shard_trial (shard, run, stimulus, deaths) VALUES (@shard, @run, @stimulus, @deaths)
            ON CONFLICT (shard) DO UPDATE SET run = excluded.run, stimulus = excluded.stimulus, deaths = excluded.deaths
            """, ct, ("shard", shard), ("run", _run), ("stimulus", stimulus), ("deaths", deaths));
        return deaths < MostDeaths;
    }

    /// <summary>This run has worked the shard through. Another node's mark stays: it may be about to die.</summary>
    public Task ForgetAsync(int shard, CancellationToken ct) => database.WriteAsync(
        session => session.ExecuteAsync("DELETE FROM shard_trial WHERE shard = @shard AND run = @run", ct, ("shard", shard), ("run", _run)), ct);
}
