using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>Instances go over to another version of their journey, one by one or all that wait.</summary>
internal sealed partial class Batch
{
    /// <summary>How many instances are looked through for one command in one batch.</summary>
    private const int MostLookedThrough = 5_000;

    /// <summary>How many commands of an account may wait in the inbox before one for many stops adding to them. Its other rows do not count, nor what waits for another node: they may wait for these.</summary>
    private const int MostPosted = 50_000;

    private readonly List<Instance> _moved = [];

    private void MoveInstance(Instance instance, IReadOnlyDictionary<string, object?> values)
    {
        var from = instance.Version.Info.Version;
        var target = view.Version((long)values["version"]!);
        if (target is null || target.Info.Id != instance.Version.Info.Id)
        {
            Stay(instance, $"stays on version {from}: the version it was to move to cannot be read");
            return;
        }
        var to = target.Info.Version;
        if (values.GetValueOrDefault("activity") is string activity)
        {
            if (target.Graph.Find(activity) is not { } node)
            {
                Stay(instance, $"stays on version {from}: version {to} has no activity '{activity}'");
                return;
            }
            var jobs = instance.State.Tokens.Where(token => token.Phase == TokenPhase.Job).Select(token => BatchStep.KeyOf(instance, token)).ToList();
            _dropped.AddRange(jobs);
            Record(instance, target);
            Move.Jump(instance.State, node, target.Graph, now);
            instance.MoveTo(target, $"moved from version {from} to “{node.Title}” in version {to}");
            instance.Status = InstanceStatus.Running;
        }
        else
        {
            if (target.Info.VersionId == instance.Version.Info.VersionId) return;
            Record(instance, target);
            if (Move.Keep(instance.State, instance.Graph, target.Graph, now) is { } reason)
            {
                Stay(instance, $"stays on version {from}, not moved to version {to}: {reason}");
                return;
            }
            instance.MoveTo(target, $"moved from version {from} to version {to}");
        }
        _moved.Add(instance);
        FinishIfDone(instance);
    }

    private static void Stay(Instance instance, string text)
    {
        instance.History.Add(new HistoryStep(-1, HistoryEvent.Stayed, null, text));
        instance.IsTouched = true;
    }

    /// <summary>What it did on its old version goes into a row of that version's: nodes are numbered otherwise in the other.</summary>
    private void Record(Instance instance, JourneyVersion target)
    {
        if (target == instance.Version || instance.History.Count == 0) return;
        _before.Add(HistoryRow.Of(instance) with { Steps = [.. instance.History] });
        instance.CountHistory();
        instance.History.Clear();
    }

    /// <summary>
    /// Commands for all that wait in a journey: looks through the instances, a chunk a batch, and posts a command of its own for each, so that none is
    /// changed but by its shard.
    /// </summary>
    private async Task PostForWaitingAsync(InboxRow row, CancellationToken ct)
    {
        if (await InboxStore.HasMoreCommandsAsync(session, row.AccountId, MostPosted, known, ct)) return; // later
        var values = row.Values;
        var after = Guid.Parse((string)values["after"]!);
        var last = await InstanceStore.LastOfChunkAsync(session, after, MostLookedThrough, ct);
        var found = await InstanceStore.WaitingAsync(session, (int)(long)values["journey"]!, values.GetValueOrDefault("except") as long?,
            values.GetValueOrDefault("own") is true ? row.Shard : null, after, last, ct);
        var contacts = (await services.Contacts.LoadAsync(session, [.. found.Select(instance => instance.Contact).Distinct().Order()], ct)).ToDictionary(contact => contact.Id);
        foreach (var (id, contactId) in found)
        {
            if (!contacts.TryGetValue(contactId, out var contact)) continue;
            var command = values.GetValueOrDefault("version") is long version
                ? (Kind: InboxKind.Move, Body: new Dictionary<string, object?> { ["instance"] = id.ToString(), ["version"] = version })
                : (Kind: InboxKind.Cancel, Body: new Dictionary<string, object?> { ["instance"] = id.ToString(), ["exit"] = true, ["reason"] = values["reason"] });
            Post(InboxItem.For(contact.AccountId, contact.UserId, command.Kind, StableHash.TimedKey(now, StableHash.Key(command.Kind.ToString(), id.ToString())), command.Body));
        }
        if (last is null)
        {
            _consumed.Add(row.Id);
            return;
        }
        await InboxStore.ReplaceBodyAsync(session, row.Id, JsonData.Write(new Dictionary<string, object?>(values) { ["after"] = last.ToString() }), ct);
        HasLeftOvers = true;
    }
}
