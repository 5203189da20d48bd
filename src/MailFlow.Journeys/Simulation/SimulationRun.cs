using System.Diagnostics;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;

namespace MailFlow.Journeys.Simulation;

/// <summary>One simulation under way: lets the script happen, each thing at its time, and everything that falls due in between.</summary>
internal sealed class SimulationRun(SimulatedWorld world, int account, string definitionId, Graph graph, Script script, long mostSteps)
{
    public async Task<SimulationResult> RunAsync(IReadOnlyList<Finding> findings, Stopwatch watch, CancellationToken ct)
    {
        var contacts = await SimulatedContacts.CreateAsync(world, account, script, ct);
        var timeline = new Timeline(world, account, contacts.First);
        await EnterAsync(contacts, timeline, ct);
        var stopped = await TravelAsync(contacts, timeline, ct);

        var (contact, instance) = await world.Database.ReadAsync(session => StandingAsync(session, contacts.First, ct), ct);
        var details = instance is { } id ? await world.Get<Instances>().FindAsync(account, id, ct) : null;
        var stats = await world.Get<JourneyDefinitions>().StatsAsync(account, definitionId, ct);
        var (mails, total) = await timeline.MailsAsync(ct);
        var moments = await timeline.ReadAsync(contact, ct);
        if (stopped == "finished" && stats.Waiting > 0) stopped = "waiting";
        return new SimulationResult(details?.Status ?? "NotEntered", details?.SubStatus ?? "NotEntered", details?.Outcome ?? "not_entered", stopped, script.Start, world.Time.GetUtcNow(),
            details?.DueAt, watch.ElapsedMilliseconds, world.Steps, contacts.Count, moments, mails, total, stats, findings);
    }

    /// <summary>By the journey's first trigger, unless the script begins with one of its own; by hand, where no event starts it.</summary>
    private async Task EnterAsync(SimulatedContacts contacts, Timeline timeline, CancellationToken ct)
    {
        var triggers = graph.Triggers.Select(node => (Node: node, Trigger: world.Get<Triggers>().EventOf(node))).Where(pair => pair.Trigger?.EventType is not null).ToList();
        if (script.Items.Any(item => item.At == script.Start && triggers.Exists(pair => pair.Trigger!.Value.EventType == item.EventType))) return;
        if (triggers.Count == 0)
        {
            await timeline.NoteAsync("Event", "the journey is started by hand", ct);
            await contacts.StartAsync(definitionId, script.Input ?? JsonData.Empty, ct);
            return;
        }
        var (node, trigger) = (triggers[0].Node, triggers[0].Trigger!.Value);
        await timeline.NoteAsync("Event", $"event {trigger.EventType} comes", ct);
        await contacts.EventAsync(trigger.EventType!, script.Input ?? JsonData.Empty, 1, ct);
        await world.SettleAsync(ct);
        if (trigger.Filter is { } filter && !await HasHistoryAsync(ct))
            await timeline.NoteAsync("NotEntered", $"not entered: for this event and contact the condition of “{node.Title}” does not hold: {filter.Text}", ct, node, definitionId);
    }

    private async Task<string> TravelAsync(SimulatedContacts contacts, Timeline timeline, CancellationToken ct)
    {
        var items = new Queue<ScriptItem>(script.Items);
        // A broken activity is tried again and again without a step: the jumps are bounded as the steps are.
        for (var jumps = 0L; ; jumps++)
        {
            var before = world.Steps;
            await world.SettleAsync(ct);
            if (world.Steps > before) await timeline.TrimMailsAsync(ct);
            if (world.Steps > mostSteps || jumps > mostSteps) return "steps";
            var due = await world.NextDueAsync(ct);
            var next = items.TryPeek(out var item) && !(item.At > due) ? item.At : due;
            if (next is null) return "finished";
            if (next > script.End)
            {
                world.Time.MoveTo(script.End);
                return "until";
            }
            world.Time.MoveTo(next.Value);
            // What falls due at the very instant of an event goes first, as it does in earnest.
            if (due <= next) await world.SettleAsync(ct);
            while (items.TryPeek(out item) && item.At <= world.Time.GetUtcNow()) await HappenAsync(items.Dequeue(), contacts, timeline, ct);
        }
    }

    private static async Task HappenAsync(ScriptItem item, SimulatedContacts contacts, Timeline timeline, CancellationToken ct)
    {
        if (item.Contact is { } fields)
        {
            await timeline.NoteAsync("Event", $"the contact changes: {string.Join(", ", fields.Select(field => $"{field.Key} = {JsonData.Write(field.Value)}"))}", ct);
            await contacts.ChangeAsync(fields, item.Share, ct);
        }
        else
        {
            // Who has not been sent the mail cannot open it: mostly a slip of the script's, which is to be seen.
            var mailed = item.Template is { } template ? await contacts.MailedAsync(template, ct) : null;
            await timeline.NoteAsync("Event", Sentence(item, mailed?.Contains(contacts.First) != false), ct);
            await contacts.EventAsync(item.EventType!, item.Payload, item.Share, ct, mailed);
        }
    }

    private static string Sentence(ScriptItem item, bool happens) => (item.Template, item.EventType == EmailEvents.Opened) switch
    {
        (null, _) => $"event {item.EventType} comes",
        ({ } template, true) => happens ? $"the mail “{template}” is opened" : $"the mail “{template}” is not opened: no such mail has been sent",
        ({ } template, false) => happens ? $"a link in the mail “{template}” is clicked" : $"no link in the mail “{template}” is clicked: no such mail has been sent",
    };

    private Task<bool> HasHistoryAsync(CancellationToken ct) => world.Database.ReadAsync(async session =>
        await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM history LIMIT 1) AS any_line", ct) > 0, ct);

    /// <summary>The contact's dense key, and its latest trip through the journey.</summary>
    private async Task<(long Contact, Guid? Instance)> StandingAsync(Session session, string user, CancellationToken ct) => await session.FirstAsync("""
        SELECT c.id, (SELECT i.id FROM instance i JOIN journey j ON j.id = i.journey_id AND j.definition_id = @definition WHERE i.contact_id = c.id ORDER BY i.id DESC LIMIT 1)
        FROM contact c WHERE c.account_id = @account AND c.user_id = @user
        """,
        row => (row.Long(0), row.UuidOrNull(1)), ct, ("definition", definitionId), ("account", account), ("user", user));
}
