using MailFlow.Engine.Facts;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>Writes all that happened: one statement a table, rows sorted by key, in the batch's one transaction.</summary>
internal sealed partial class Batch
{
    private async Task WriteAsync(CancellationToken ct)
    {
        var touched = _instances.Values.Where(instance => instance.IsTouched).OrderBy(instance => instance.Id).ToList();
        var counters = new Counters();
        foreach (var instance in touched)
            instance.Count(counters.Add);

        await InstanceStore.InsertAsync(session, Rows(touched.Where(instance => instance.IsNew)), now, ct);
        await HistoryStore.InsertAsync(session, [.. _before, .. touched.Where(instance => instance.History.Count > 0).Select(HistoryRow.Of)], now, ct);
        await EntryStore.UpsertAsync(session, _entries.Values.Where(entry => entry.IsChanged).OrderBy(entry => (entry.JourneyId, entry.ContactId)).ToList(), ct);
        await JobStore.InsertAsync(session, _jobs.OrderBy(job => job.Key).ToList(), ct);
        await InstanceStore.SetVersionsAsync(session, Rows(_moved.Where(instance => !instance.IsNew).Distinct().OrderBy(instance => instance.Id)), ct);
        await JobStore.DropKeysAsync(session, [.. _dropped.Order()], ct);
        await JobStore.DropAsync(session, [.. _ended.Select(end => end.Id).Order()], ct);
        await Inbox.PostAsync(session, _posts, now, ct);
        await WriteParkedAsync(ct);
        await InboxStore.DeleteAsync(session, _consumed, ct);
        await counters.WriteAsync(session, countShard, ct);
        if (!view.Facts.IsEmpty) HasEffects |= await Outbox.WriteAsync(session, view.Facts, touched.SelectMany(instance => InstanceFacts.Of(instance, now)), ct) > 0;
        HasEffects |= _jobs.Count > 0;
        // Late, for it must know what it changed: on PostgreSQL nearly all of the others go with it.
        await InstanceStore.UpdateAsync(session, Rows(touched.Where(instance => !instance.IsNew)), now, ct);
        foreach (var group in _ended.GroupBy(end => end.Reason))
            foreach (var ended in services.Ended) await ended.OnEndedAsync(session, [.. group.Select(end => end.Id).Order()], group.Key, ct);
    }

    private List<InstanceRow> Rows(IEnumerable<Instance> instances) =>
        [.. instances.Select(instance => instance.ToRow(view.IsPaused(instance.Version.Info.Id), now,
            NoneParked ? null : token => HeldUntil(instance, token)))];

    /// <summary>The instances to which something happened.</summary>
    public IEnumerable<Instance> Touched => _instances.Values.Where(instance => instance.IsTouched);

    /// <summary>Those of the contact that a row is about.</summary>
    public IEnumerable<Guid> TouchedBy(InboxRow row) =>
        row.Contact is { } contact && _byContact.TryGetValue(contact.Id, out var list) ? list.Where(instance => instance.IsTouched).Select(instance => instance.Id) : [];

    /// <summary>The shards that got commands of this batch.</summary>
    public IEnumerable<int> PostedShards => _posts.Select(post => post.Shard).Distinct();
}
