using MailFlow.Data;
using MailFlow.Engine.Execution;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Facts;

/// <summary>
/// Takes facts from the outbox to the bus, in the order in which they were written down. One node does it at a time, under a lease, so that a contact's facts stay in order; if it dies between
/// the bus's answer and the note of it, the next publishes the same facts again, under the same ids. Without a bus it only sees to it that nothing is written down for one.
/// </summary>
public sealed partial class FactPublishing(Database database, FactBus bus, EffectSignal effects, IFaultPoints faults, ILogger<FactPublishing> log, IFactPublisher? publisher = null) : BackgroundService
{
    private const int Most = 500;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30), Patience = TimeSpan.FromSeconds(20), PollEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(30), Absent = TimeSpan.FromMinutes(3);

    /// <summary>Of this process, and of no other run of it.</summary>
    private readonly string _holder = Guid.CreateVersion7(database.Time.GetUtcNow()).ToString();

    /// <summary>
    /// Has the facts written down from now on that the bus is to be told, and no others: it may have been another account's. A node without a bus ends what others asked for only when none of
    /// them has been seen for a while: it may be one of those that do not have the new settings yet. False: one has, and it is to be tried again.
    /// </summary>
    public Task<bool> AskAsync(CancellationToken ct) => database.WriteAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        if (bus.Types.Count > 0) await session.ExecuteAsync("UPDATE fact_publisher SET asked_at = @now WHERE id = 1", ct, ("now", now));
        else if (database.Dialect.IsPostgreSql && await session.ScalarAsync<long>("SELECT asked_at FROM fact_publisher WHERE id = 1", ct) > now - (long)Absent.TotalMilliseconds) return false;
        foreach (var other in await session.QueryAsync("SELECT DISTINCT account_id FROM fact_interest WHERE consumer = @bus AND account_id <> @account ORDER BY account_id",
            row => row.Int(0), ct, ("bus", FactConsumer.Bus), ("account", bus.AccountId)))
            await FactInterest.SetAsync(session, other, FactConsumer.Bus, [], ct);
        await FactInterest.SetAsync(session, bus.AccountId, FactConsumer.Bus, bus.Types, ct);
        await session.ExecuteAsync("UPDATE fact SET to_bus = @no WHERE to_bus AND (account_id <> @account OR @nothing)", ct, ("no", false), ("account", bus.AccountId), ("nothing", bus.Types.Count == 0));
        return true;
    }, ct);

    /// <summary>Lets nodes without a bus know that there is one; asks again where they had thought otherwise. What another node with a bus has asked for stands.</summary>
    public async Task StillAskAsync(CancellationToken ct)
    {
        var asked = await database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("UPDATE fact_publisher SET asked_at = @now WHERE id = 1", ct, ("now", await session.NowAsync(ct)));
            return await session.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM fact_interest WHERE consumer = @bus)", ct, ("bus", FactConsumer.Bus));
        }, ct);
        if (!asked) await AskAsync(ct);
    }

    /// <summary>Publishes a batch; gives how many facts it was. 0 where another node does it.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        if (!await database.ReadAsync(session => session.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM fact WHERE to_bus AND account_id = @account)", ct, ("account", bus.AccountId)), ct)) return 0;
        var since = database.Time.GetTimestamp();
        using var deadline = new CancellationTokenSource(Patience, database.Time); // before another may hold the lease
        if (!await TakeLeaseAsync(ct)) return 0;
        var facts = await database.ReadAsync(session => session.QueryAsync("SELECT seq, id, account_id, user_id, type, at, data FROM fact WHERE to_bus AND account_id = @account ORDER BY seq LIMIT @most",
            row => (Seq: row.Long(0), Fact: new PublishedFact(row.Uuid(1), row.Int(2), row.Text(3), row.Text(4), FactBody.Write(row.Uuid(1), row.Text(4), row.Long(5), row.Text(6)))), ct, ("account", bus.AccountId), ("most", Most)), ct);
        if (facts.Count == 0) return 0;
        faults.Reach("facts.read");
        if (database.Time.GetElapsedTime(since) >= Patience) return 0; // frozen meanwhile: another may have published these and later ones, and the deadline's timer be late
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        await publisher!.PublishAsync(facts.ConvertAll(each => each.Fact), either.Token);
        faults.Reach("facts.published");
        await database.WriteAsync(session => session.ExecuteAsync("UPDATE fact SET to_bus = @no FROM {rows} WHERE fact.seq = r.seq",
            new Rows<long>(facts.ConvertAll(each => each.Seq)).Long("seq", seq => seq), CancellationToken.None, ("no", false)), CancellationToken.None);
        return facts.Count;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new SemaphoreSlim(0);
        void Wake() { if (wake.CurrentCount == 0) wake.Release(); }
        effects.Planned += Wake;
        long? asked = null;
        await Lane.RunAsync(async () =>
        {
            if (asked is not { } since)
            {
                if (await AskAsync(stoppingToken)) asked = database.Time.GetTimestamp();
            }
            else if (bus.Types.Count > 0 && database.Time.GetElapsedTime(since) >= AskEvery)
            {
                await StillAskAsync(stoppingToken);
                asked = database.Time.GetTimestamp();
            }
            if (bus.Types.Count == 0) await Task.Delay(asked is null ? AskEvery : Timeout.InfiniteTimeSpan, database.Time, stoppingToken);
            else if (await RunOnceAsync(stoppingToken) < Most) await wake.WaitAsync(PollEvery, stoppingToken);
        }, (error, pause) => LogFailed(error, pause.TotalSeconds), database.Time, stoppingToken);
        effects.Planned -= Wake;
        if (bus.Types.Count > 0) await GiveLeaseAsync();
    }

    private async Task<bool> TakeLeaseAsync(CancellationToken ct) => await database.WriteAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        return await session.ExecuteAsync("UPDATE fact_publisher SET node = @holder, lease_until = @until WHERE id = 1 AND (node = @holder OR lease_until <= @now)", ct,
            ("holder", _holder), ("until", now + (long)Lease.TotalMilliseconds), ("now", now)) == 1;
    }, ct);

    /// <summary>A stop in good order lets the next node go on at once.</summary>
    private async Task GiveLeaseAsync()
    {
        try
        {
            await database.WriteAsync(session => session.ExecuteAsync("UPDATE fact_publisher SET lease_until = 0 WHERE node = @holder", CancellationToken.None, ("holder", _holder)), CancellationToken.None);
        }
        catch (Exception error) when (database.Dialect.IsTransient(error))
        {
            // The lease runs out by itself.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Facts could not be published to the message bus; next try in {Seconds:0.0} s")]
    private partial void LogFailed(Exception error, double seconds);
}
