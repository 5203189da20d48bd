using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>What fails even alone, outside any activity: its inbox row becomes a dead letter, or its instance an incident.</summary>
internal static class LaidAside
{
    /// <summary>Lays a claim aside, but for what another has worked on since it was taken.</summary>
    /// <param name="session">A transaction of its own.</param>
    /// <param name="shard">The claim's shard.</param>
    /// <param name="failed">What fails.</param>
    /// <param name="error">How.</param>
    /// <param name="contacts">Where to find whose trace is to tell it; null to tell nobody, where that very thing fails.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task WriteAsync(Session session, int shard, Claim failed, Exception error, IContactStore? contacts, CancellationToken ct)
    {
        await session.LockShardAsync(shard, wait: true, ct);
        var now = await session.NowAsync(ct);
        var history = new List<HistoryRow>();
        foreach (var row in failed.Inbox)
        {
            if (!await DeadLetterStore.BuryAsync(session, shard, row, error.Message, now, ct) || row.UserId is null || contacts is null) continue;
            var contact = (await contacts.FindOrCreateAsync(session, [(row.AccountId, row.UserId)], now, ct))[0];
            var text = $"not worked on and laid aside: {DeadLetterStore.Words(row.Kind, row.Body)}. {error.Message} It can be replayed.";
            history.Add(new HistoryRow(row.AccountId, contact.Id, 0, null, [new HistoryStep(-1, HistoryEvent.LaidAside, null, text)]));
        }

        var counters = new Counters();
        var taken = failed.Due.Select(row => (row.Id, row.Ver)).ToHashSet();
        var stuck = (await InstanceStore.WithIdsAsync(session, [.. failed.Due.Select(row => row.Id)], ct))
            .FindAll(row => row.Status == InstanceStatus.Running && taken.Contains((row.Id, row.Ver)));
        foreach (var row in stuck) counters.Add(row, CountKind.Faulted, 1);
        await InstanceStore.UpdateAsync(session, stuck.ConvertAll(row => row with { Status = InstanceStatus.Faulted, DueAt = null, ParkedAt = null, Ver = row.Ver + 1 }), now, ct);
        history.AddRange(stuck.Select(row => new HistoryRow(
            row.AccountId, row.ContactId, row.VersionId, row.Id, [HistoryStep.OfInstance(InstanceStatus.Faulted, error.Message)])));
        await HistoryStore.InsertAsync(session, history, now, ct);
        await counters.WriteAsync(session, shard, ct);
    }
}
