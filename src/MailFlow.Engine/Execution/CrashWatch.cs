using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Finds what kills the process. A node that starts and finds that its last run died works every shard from a single stimulus up, one shard at a time; the
/// stimulus that is tried alone is written down first. What two runs have died of, alone, is not tried a third time. While nothing dies, none of this is written.
/// </summary>
internal sealed class CrashWatch(Database database, string node)
{
    /// <summary>How many runs may die with the same lone stimulus in hand. One death may be chance: a power cut, an operator.</summary>
    private const int MostDeaths = 2;

    private readonly Guid _run = Guid.CreateVersion7(database.Time.GetUtcNow());

    /// <summary>What a claim of one has in hand.</summary>
    public static string NameOf(Claim claim) => claim.Inbox is [var row, ..] ? $"inbox {row.Id}" : $"instance {claim.Due[0].Id} due {claim.Due[0].DueAt}";

    /// <summary>Says that this node runs; true when its last run ended without saying so.</summary>
    public Task<bool> BeginAsync(CancellationToken ct) => database.WriteAsync(async session => await session.ExecuteAsync(
        "INSERT INTO engine_run (node, started_at) VALUES (@node, @now) ON CONFLICT DO NOTHING", ct, ("node", node), ("now", await session.NowAsync(ct))) == 0, ct);

    /// <summary>Says that this node has stopped in good order.</summary>
    public Task EndAsync(CancellationToken ct) => database.WriteAsync(session => session.ExecuteAsync("DELETE FROM engine_run WHERE node = @node", ct, ("node", node)), ct);

    /// <summary>Writes down the one stimulus about to be tried, in the transaction that has locked its shard; false when it has killed too many runs.</summary>
    public async Task<bool> MarkAsync(Session session, int shard, Claim claim, CancellationToken ct)
    {
        var stimulus = NameOf(claim);
        var marked = await session.QueryAsync("SELECT run, stimulus, deaths FROM shard_trial WHERE shard = @shard",
            mark => (Run: mark.Uuid(0), Stimulus: mark.Text(1), Deaths: mark.Int(2)), ct, ("shard", shard));
        var deaths = marked is [var last] && last.Stimulus == stimulus ? last.Deaths + (last.Run == _run ? 0 : 1) : 0;
        await session.ExecuteAsync("""
            INSERT INTO shard_trial (shard, run, stimulus, deaths) VALUES (@shard, @run, @stimulus, @deaths)
            ON CONFLICT (shard) DO UPDATE SET run = excluded.run, stimulus = excluded.stimulus, deaths = excluded.deaths
            """, ct, ("shard", shard), ("run", _run), ("stimulus", stimulus), ("deaths", deaths));
        return deaths < MostDeaths;
    }

    /// <summary>The shard has been worked through.</summary>
    public Task ForgetAsync(int shard, CancellationToken ct) =>
        database.WriteAsync(session => session.ExecuteAsync("DELETE FROM shard_trial WHERE shard = @shard", ct, ("shard", shard)), ct);
}
