using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Sending;

/// <summary>Finds what nobody is working on any more: hand-overs whose node died, and mail parked by a pause that is over.</summary>
internal sealed class Sweep(Database database, Routes routes, DeliveryOptions options, IFaultPoints faults)
{
    /// <summary>Gives how many messages it moved.</summary>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        var (orphans, resumed) = await database.ReadAsync(async session =>
            (await OrphansAsync(session, forUpdate: false, ct), await ResumedJourneysAsync(session, ct)), ct);
        var moved = 0;
        if (orphans.Count > 0)
        {
            var streams = new List<MessageStream>();
            moved += await database.WriteAsync(async session =>
            {
                var now = await session.NowAsync(ct);
                var found = await OrphansAsync(session, forUpdate: true, ct);
                var known = await routes.AmongAsync(session, [.. found.Select(orphan => orphan.AccountId).Distinct()], ct);
                var lost = found.Select(orphan => new Move(
                    orphan.Id, orphan.AccountId, orphan.Attempt, MessageState.Unknown, "the sender stopped during the hand-over",
                    now + (long)Answers.WaitForLateAnswer(known.Find(orphan.AccountId, orphan.Provider), options).TotalMilliseconds)).ToList();
                var count = (await Ledger.MoveAsync(session, lost, now, now + (long)options.RetryFor.TotalMilliseconds, ct)).Count;
                faults.Reach("sender.orphans.before-commit");
                streams = found.ConvertAll(orphan => orphan.Stream);
                return count;
            }, ct);
            DeliveryMetrics.Moved(database, streams.Select(stream => (MessageState.Unknown, stream)));
        }
        foreach (var journey in resumed)
            moved += await database.WriteAsync(session => Ledger.ReleaseAsync(session, journey, ct), ct);
        return moved;
    }

    private static async Task<List<(Guid Id, int AccountId, int Attempt, string Provider, MessageStream Stream)>> OrphansAsync(Session session, bool forUpdate, CancellationToken ct) =>
        await session.QueryAsync($$"""
            SELECT id, account_id, attempt, provider, stream FROM message
            WHERE lease_until IS NOT NULL
              AND (lease_until <= @now OR node_epoch IN (SELECT epoch FROM node_epoch WHERE ended_at IS NOT NULL AND epoch = message.node_epoch))
            LIMIT 1000 {{(forUpdate && session.Dialect.IsPostgreSql ? "FOR UPDATE OF message SKIP LOCKED" : "")}}
            """, row => (row.Uuid(0), row.Int(1), row.Int(2), row.Text(3), (MessageStream)row.Int(4)), ct, ("now", await session.NowAsync(ct)));

    private static Task<List<int>> ResumedJourneysAsync(Session session, CancellationToken ct) => session.QueryAsync("""
        SELECT id FROM journey
        WHERE NOT paused AND EXISTS (SELECT 1 FROM message WHERE message.journey_id = journey.id AND message.parked_at IS NOT NULL)
        """, row => row.Int(0), ct);
}
