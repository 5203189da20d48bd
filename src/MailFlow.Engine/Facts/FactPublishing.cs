using MailFlow.Data;
using MailFlow.Engine.Execution;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Facts;

/// <summary>
/// Takes facts from the outbox to the bus, in the order in which they were written down. One node does it at a time, under a lease, so that a contact's facts stay in order; if it dies between
/// the bus's answer and the note of it, the next publishes the same facts again, under the same ids.
/// </summary>
public sealed partial class FactPublishing(Database database, IFactPublisher publisher, FactBus bus, EffectSignal effects, IFaultPoints faults, ILogger<FactPublishing> log) : BackgroundService
{
    private const int Most = 500;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30), Patience = TimeSpan.FromSeconds(20), PollEvery = TimeSpan.FromSeconds(1);

    /// <summary>Of this process, and of no other run of it.</summary>
    private readonly string _holder = Guid.CreateVersion7(database.Time.GetUtcNow()).ToString();

    /// <summary>Has the facts written down from now on that the bus is to be told.</summary>
    public Task AskAsync(CancellationToken ct) => database.WriteAsync(session => FactInterest.SetAsync(session, bus.AccountId, FactConsumer.Bus, bus.Types, ct), ct);

    /// <summary>Publishes a batch; gives how many facts it was. 0 where another node does it.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        if (!await database.ReadAsync(session => session.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM fact WHERE to_bus)", ct), ct)) return 0;
        if (!await TakeLeaseAsync(ct)) return 0;
        var facts = await database.ReadAsync(session => session.QueryAsync("SELECT seq, id, account_id, user_id, type, at, data FROM fact WHERE to_bus ORDER BY seq LIMIT @most",
            row => (Seq: row.Long(0), Fact: new PublishedFact(row.Uuid(1), row.Int(2), row.Text(3), row.Text(4), FactBody.Write(row.Uuid(1), row.Text(4), row.Long(5), row.Text(6)))), ct, ("most", Most)), ct);
        if (facts.Count == 0) return 0;
        using var deadline = new CancellationTokenSource(Patience, database.Time); // before another may hold the lease
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        await publisher.PublishAsync(facts.ConvertAll(each => each.Fact), either.Token);
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
        var asked = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!asked) await AskAsync(stoppingToken);
                asked = true;
                if (bus.Types.Count == 0) break;
                if (await RunOnceAsync(stoppingToken) < Most) await wake.WaitAsync(PollEvery, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                LogFailed(error);
                await Task.Delay(PollEvery, database.Time, stoppingToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
        effects.Planned -= Wake;
        await GiveLeaseAsync();
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

    [LoggerMessage(Level = LogLevel.Error, Message = "Facts could not be published to the message bus; tried again in a second")]
    private partial void LogFailed(Exception error);
}
