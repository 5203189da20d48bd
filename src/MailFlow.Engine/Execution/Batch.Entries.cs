using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>Who may enter which journey.</summary>
internal sealed partial class Batch
{
    private async Task EnterByEventsAsync(List<(InboxRow Row, Contact Contact, IncomingEventBody Body)> events, CancellationToken ct)
    {
        var pulled = events.SelectMany(e => view.Triggers(e.Row.AccountId, e.Body.EventType).Select(trigger => (e.Row, e.Contact, e.Body, Trigger: trigger))).ToList();
        await FetchCountsAsync(pulled.Select(p => (p.Trigger.Filter?.Expression, p.Contact)), ct);
        // One entry into a journey by one event, however many of its triggers the event pulls.
        var candidates = pulled
            .Where(p => p.Trigger.Filter is not { } filter || filter.Expression.Matches(new EventScope(this, p.Contact, p.Trigger.Version, p.Body.Values, p.Body.Values)))
            .DistinctBy(p => (p.Row.Id, p.Trigger.Version.Info.Id)).ToList();
        await LoadEntriesAsync(candidates.ConvertAll(c => (c.Trigger.Version, c.Contact.Id)), ct);
        foreach (var (row, contact, body, trigger) in candidates)
        {
            // The event's key is the entry's: the instance's primary key forbids a second one.
            var id = StableHash.TimedKey(row.AcceptedAt, StableHash.Key("entry", trigger.Version.Info.Id.ToString(), row.Key.ToString()));
            Enter(id, trigger.Version, trigger.Node, contact, body.Values, underRule: true, $"by event {body.EventType}");
        }
    }

    private async Task StartAsync(List<InboxRow> rows, CancellationToken ct)
    {
        var starts = new List<(InboxRow Row, JourneyVersion Version, Node? Trigger)>();
        foreach (var row in rows)
        {
            if (view.Published(row.AccountId, (string)row.Values["definition_id"]!) is not { } version)
            {
                await RefuseAsync(row, ct);
                continue;
            }
            var activity = row.Values.GetValueOrDefault("activity") as string;
            var trigger = version.Graph.Triggers.FirstOrDefault(node => node.Id == activity);
            if (activity is null || trigger is not null) starts.Add((row, version, trigger));
            else Refuse(row, version.Info.VersionId, "not entered: the schedule it was to start by is no longer in the journey");
        }
        await LoadEntriesAsync(starts.ConvertAll(start => (start.Version, start.Row.Contact!.Id)), ct);
        foreach (var (row, version, trigger) in starts)
        {
            var input = row.Values.GetValueOrDefault("input") as IReadOnlyDictionary<string, object?> ?? JsonData.Empty;
            Enter(row.Key, version, trigger ?? version.Graph.Start, row.Contact!, input, underRule: row.Values.GetValueOrDefault("entry") is true,
                trigger is null ? "started by hand or by another journey" : "by schedule");
        }
    }

    /// <summary>A journey unpublished or deleted since it was asked for starts nothing, and the contact's trace says so.</summary>
    private async Task RefuseAsync(InboxRow row, CancellationToken ct)
    {
        var definition = (string)row.Values["definition_id"]!;
        var latest = await session.ScalarAsync<long>("""
            SELECT max(v.id) FROM journey j JOIN definition_version v ON v.journey_id = j.id WHERE j.account_id = @account AND j.definition_id = @definition
            """, ct, ("account", row.AccountId), ("definition", definition));
        Refuse(row, latest, latest == 0 ? $"not entered: there is no journey '{definition}' any more" : $"not entered: the journey '{definition}' is not published");
    }

    private void Refuse(InboxRow row, long version, string reason) =>
        _before.Add(new HistoryRow(row.AccountId, row.Contact!.Id, version, null, [new HistoryStep(-1, HistoryEvent.NotEntered, null, reason)]));

    private void Enter(Guid id, JourneyVersion version, Node at, Contact contact, IReadOnlyDictionary<string, object?> trigger, bool underRule, string how)
    {
        var key = (version.Info.Id, contact.Id);
        var before = _entries.GetValueOrDefault(key);
        if (underRule && Refusal(version, contact, before) is { } reason)
        {
            _before.Add(new HistoryRow(version.AccountId, contact.Id, version.Info.VersionId, null, [new HistoryStep(at.Index, HistoryEvent.NotEntered, null, reason)]));
            return;
        }
        var instance = Add(Instance.Begin(id, version, contact, trigger));
        // Of the trigger that was pulled, or of the instance: an activity further down has done nothing yet.
        var by = at.Activity.Descriptor.Kind == ActivityKind.Trigger ? at.Index : -1;
        instance.History.Add(new HistoryStep(by, HistoryEvent.Entered, null, how));
        Interpreter.Start(instance.State, at, now);
        _entries[key] = new EntryRow(version.Info.Id, contact.Id, version.AccountId, (before?.Entries ?? 0) + 1, now, IsChanged: true);
    }

    /// <summary>Why the journey's entry rule keeps a contact out, in plain words; null when it may enter.</summary>
    private string? Refusal(JourneyVersion version, Contact contact, EntryRow? before)
    {
        var rules = version.Info.Rules;
        return rules.Entry switch
        {
            EntryRule.Once when before is not null => $"not entered: already entered on {Date(before.EnteredAt)}, and this journey takes a contact once",
            EntryRule.OneAtATime when IsInside(version.Info.Id, contact) => "not entered: still inside, and this journey takes a contact once at a time",
            EntryRule.OncePer when before is not null && before.EnteredAt + (long)rules.EntryPeriod!.Value.TotalMilliseconds > now =>
                $"not entered: last entered on {Date(before.EnteredAt)}, and this journey takes a contact once per {DurationText.InWords(rules.EntryPeriod.Value)}",
            _ => null,
        };
    }

    /// <summary>Whether a contact has an unfinished instance of the journey: one with an incident is inside as well.</summary>
    private bool IsInside(int journey, Contact contact) =>
        (_byContact.TryGetValue(contact.Id, out var list)
            && list.Exists(instance => instance.Version.Info.Id == journey && instance.Status is InstanceStatus.Running or InstanceStatus.Faulted))
        || _incidents.Exists(incident => incident.Journey == journey && incident.Contact == contact.Id && !_instances.ContainsKey(incident.Instance));

    private async Task LoadEntriesAsync(List<(JourneyVersion Version, long Contact)> entering, CancellationToken ct)
    {
        var single = entering.FindAll(e => e.Version.Info.Rules.Entry == EntryRule.OneAtATime).ConvertAll(e => e.Contact);
        var incidents = await InstanceStore.IncidentsAsync(session, [.. single.Distinct().Order()], ct);
        var keys = entering.ConvertAll(e => (Journey: e.Version.Info.Id, e.Contact));
        var missing = keys.Where(key => !_entries.ContainsKey(key)).Distinct().Order().ToList();
        foreach (var entry in await EntryStore.LoadAsync(session, missing, ct)) _entries[(entry.JourneyId, entry.ContactId)] = entry;
        await session.SendAsync(ct);
        _incidents.AddRange(incidents.Rows);
    }

    private static string Date(long at) => DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("d MMMM yyyy", System.Globalization.CultureInfo.InvariantCulture);
}
