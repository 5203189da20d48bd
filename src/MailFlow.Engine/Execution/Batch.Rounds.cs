using System.Globalization;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>What each kind of stimulus does. Within an event: the contact's changes, then exits, then the waits that existed before it, then entries.</summary>
internal sealed partial class Batch
{
    private async Task RunRoundAsync(List<Stimulus> round, CancellationToken ct)
    {
        Counts.Clear();
        foreach (var stimulus in round)
            foreach (var instance in RunningOf(stimulus.Contact)) instance.BeginStimulus();
        var events = round.FindAll(stimulus => stimulus.Row?.Kind == InboxKind.Event)
            .ConvertAll(stimulus => (stimulus.Row, stimulus.Contact, Body: new IncomingEventBody(stimulus.Row!)));
        await ApplyContactChangesAsync(events.ConvertAll(e => (e.Contact, e.Body)), ct);
        await EventStore.InsertAsync(session, events.ConvertAll(e => (e.Contact, e.Row!.AcceptedAt, e.Body)), ct);
        await FetchCountsAsync(events.SelectMany(e => RunningOf(e.Contact).Select(instance => (instance.Version.Info.Rules.ExitWhen, e.Contact))), ct);
        foreach (var e in events) WakeByEvent(e.Contact, e.Body, e.Row!.AcceptedAt);
        foreach (var stimulus in round)
        {
            if (stimulus.Row is { } row)
            {
                _consumed.Add(row.Id);
                if (row.Kind is not (InboxKind.Event or InboxKind.StartInstance)) Obey(row);
            }
            else if (stimulus.Token!.Phase == TokenPhase.Ready)
            {
                _retried.Add(stimulus.Token);
            }
            else if (stimulus.Token.Phase == TokenPhase.Waiting && stimulus.Instance!.State.Tokens.Contains(stimulus.Token))
            {
                _retried.Add(stimulus.Token);
                if (IsTooLate(stimulus.Instance, stimulus.At) is { } reason) End(stimulus.Instance, InstanceStatus.Exited, reason);
                else WakeUp(stimulus.Token, WakeReason.Due, null);
                stimulus.Instance.IsTouched = true;
            }
        }
        await StartAsync(round.Select(stimulus => stimulus.Row).OfType<InboxRow>().Where(row => row.Kind == InboxKind.StartInstance).ToList(), ct);
        await RunWavesAsync(ct);
        await EnterByEventsAsync(events.ConvertAll(e => (e.Row!, e.Contact, e.Body)), ct);
        await RunWavesAsync(ct);
    }

    /// <summary>
    /// Why the journey lets go of a wait that was over at an instant: the server was not there to run it. Null where it does not. What a pause,
    /// an incident or a parked node has held back is not late for that.
    /// </summary>
    private string? IsTooLate(Instance instance, long at)
    {
        if (instance.Version.Info.Rules.ExpireLate is not { } most) return null;
        var awaited = Math.Max(Math.Max(at, instance.DueAt ?? at), view.ResumedAt(instance.Version.Info.Id));
        return now - awaited <= (long)most.TotalMilliseconds
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"its wait ended on {DateTimeOffset.FromUnixTimeMilliseconds(at):d MMMM yyyy, HH:mm} UTC while the server was not running; the journey lets go of what is later than {DurationText.InWords(most)}");
    }

    private async Task ApplyContactChangesAsync(List<(Contact Contact, IncomingEventBody Body)> events, CancellationToken ct)
    {
        var changes = events.Where(e => e.Body.ContactFields is not null).Select(e => new ContactChange(e.Contact, e.Body.ContactFields!)).ToList();
        if (changes.Count == 0) return;
        foreach (var contact in await services.Contacts.ApplyAsync(session, changes, "event", now, ct)) WakeFollowers(contact);
    }

    /// <summary>Has the waits that depend on the contact decided anew.</summary>
    private void WakeFollowers(Contact contact)
    {
        foreach (var instance in RunningOf(contact))
            foreach (var token in instance.State.Tokens.Where(token => token.Phase == TokenPhase.Waiting && token.FollowsContact))
            {
                WakeUp(token, WakeReason.ContactChanged, null);
                instance.IsTouched = true;
            }
    }

    private void WakeByEvent(Contact contact, IncomingEventBody body, long acceptedAt)
    {
        foreach (var instance in RunningOf(contact).ToList())
        {
            if (instance.Version.Info.Rules.ExitWhen is { } exit && exit.Matches(new EventScope(this, contact, instance.Version, body.Values, instance.State.Trigger)))
            {
                End(instance, InstanceStatus.Exited, $"exit condition met by event {body.EventType}");
                continue;
            }
            // A wait that was over before the event came stays so, though its journey is paused and it has not been run yet.
            foreach (var token in instance.State.Tokens.Where(token => token.Phase == TokenPhase.Waiting && token.EventType == body.EventType && !(token.Wake <= acceptedAt)))
            {
                WakeUp(token, WakeReason.Event, body.Values);
                instance.IsTouched = true;
            }
        }
    }

    private void Obey(InboxRow row)
    {
        if (row.Kind == InboxKind.ContactChanged)
        {
            WakeFollowers(row.Contact!);
            return;
        }
        if (!_instances.TryGetValue(row.InstanceId!.Value, out var instance))
        {
            // It is gone since, or nothing can be done with it but to end it.
            if (row.Kind != InboxKind.Cancel || !_unread.Remove(row.InstanceId.Value, out var unread) || catalog.Unread(unread.VersionId) is not { } version) return;
            _instances[unread.Id] = instance = Instance.Load(unread, version, row.Contact!);
        }
        switch (row.Kind)
        {
            case InboxKind.JobResult:
                TakeJobResult(instance, row);
                break;
            case InboxKind.Retry when instance.Status == InstanceStatus.Faulted:
                foreach (var token in instance.State.Tokens.Where(token => token.Phase == TokenPhase.Faulted))
                {
                    instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Retried, null, token.Error));
                    (token.Phase, token.Error, token.Reason) = (TokenPhase.Ready, null, WakeReason.Arrived);
                }
                (instance.Status, instance.IsTouched) = (InstanceStatus.Running, true);
                break;
            case InboxKind.Skip when instance.Status == InstanceStatus.Faulted:
                instance.Status = InstanceStatus.Running;
                foreach (var token in instance.State.Tokens.Where(token => token.Phase == TokenPhase.Faulted).ToList())
                    Leave(instance, token, [row.Values.GetValueOrDefault("outcome") as string ?? "Done"], "skipped by an operator");
                break;
            case InboxKind.Move when instance.Status is InstanceStatus.Running or InstanceStatus.Faulted:
                MoveInstance(instance, row.Values);
                break;
            case InboxKind.Cancel when instance.Status is InstanceStatus.Running or InstanceStatus.Faulted:
                End(instance, row.Values.GetValueOrDefault("exit") is true ? InstanceStatus.Exited : InstanceStatus.Cancelled,
                    row.Values.GetValueOrDefault("reason") as string ?? "cancelled by an operator");
                break;
        }
    }

    /// <summary>
    /// A result whose visit is over (the instance exited, another branch won) is dropped. The key tells, not the node's number: the instance may have moved to
    /// another version while the job was under way.
    /// </summary>
    private void TakeJobResult(Instance instance, InboxRow row)
    {
        if (instance.Status != InstanceStatus.Running
            || instance.State.Tokens.Find(token => token.Phase == TokenPhase.Job && BatchStep.KeyOf(instance, token) == row.Key) is not { } token) return;
        var values = row.Values;
        var text = values.GetValueOrDefault("text") as string;
        if (values.GetValueOrDefault("outcome") is string outcome) Leave(instance, token, [outcome], text);
        else Fault(instance, token, text ?? "the job failed");
    }

    private static void WakeUp(Token token, WakeReason reason, IReadOnlyDictionary<string, object?>? wokenBy) =>
        (token.Phase, token.Reason, token.WokenBy) = (TokenPhase.Ready, reason, wokenBy);

    private void End(Instance instance, InstanceStatus status, string reason)
    {
        instance.End(status, reason);
        _ended.Add((instance.Id, reason));
    }

    /// <summary>Fetches the event counts that these rules ask for, one query a count for all contacts.</summary>
    private async Task FetchCountsAsync(IEnumerable<(CelExpression? Rule, Contact Contact)> rules, CancellationToken ct)
    {
        var wanted = rules.Where(pair => pair.Rule is not null)
            .SelectMany(pair => pair.Rule!.Requirements.EventCounts.Select(count => (Count: count, pair.Contact.Id)));
        foreach (var group in wanted.GroupBy(pair => pair.Count).ToList())
            await Counts.FetchAsync(session, [group.Key], group.Select(pair => pair.Id), now, ct);
    }

    /// <summary>What a trigger's filter or an exit condition sees: the event that has just come.</summary>
    private sealed class EventScope(
        Batch batch, Contact contact, JourneyVersion version, IReadOnlyDictionary<string, object?> @event, IReadOnlyDictionary<string, object?> trigger) : IExpressionScope
    {
        public DateTimeOffset Now => batch.Now;

        public object? Root(string name) => name switch
        {
            "contact" => contact.Fields,
            "event" => @event,
            "trigger" or "input" => trigger,
            "journey" => version.Values,
            "variables" => version.Graph.Variables,
            _ => null,
        };

        public long CountEvents(string type, TimeSpan? window) => batch.Counts.Get(contact.Id, type, window);
    }
}
