using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>
/// The journey's exit condition once more, before its mail leaves: time and changes of the contact may have met it without an event. The mail is not
/// sent, and the contact leaves the journey. There is no <c>event</c> here: each event was judged when it came, and the one that started
/// the instance must not end it.
/// </summary>
internal sealed class ExitBeforeSend(VersionGraphs graphs) : ISendGate
{
    public async Task<IReadOnlyDictionary<Guid, string>> RefusedAsync(Session session, IReadOnlyList<SendCandidate> candidates, CancellationToken ct)
    {
        var versions = await graphs.LoadAsync(session, candidates.Where(candidate => candidate.VersionId is not null).Select(candidate => candidate.VersionId!.Value), ct);
        var judged = candidates.Where(candidate => candidate.VersionId is not null)
            .Select(candidate => (Candidate: candidate, Version: versions.GetValueOrDefault(candidate.VersionId!.Value)))
            .Where(pair => pair.Version?.Graph?.Rules.ExitWhen is not null)
            .Select(pair => (pair.Candidate, Version: pair.Version!, Rule: pair.Version!.Graph!.Rules.ExitWhen!)).ToList();

        var counts = new EventCounts();
        foreach (var group in judged.GroupBy(pair => pair.Rule))
            await counts.FetchAsync(session, group.Key.Requirements.EventCounts, group.Select(pair => pair.Candidate.Contact.Id), candidates[0].Now.ToUnixTimeMilliseconds(), ct);
        var leaving = judged.FindAll(pair => pair.Rule.Matches(new Scope(pair.Candidate, pair.Version, counts)));

        var now = await session.NowAsync(ct);
        await Inbox.PostAsync(session, [.. leaving.Where(pair => pair.Candidate.InstanceId is not null).Select(pair => InboxItem.For(
            pair.Candidate.AccountId, pair.Candidate.Contact.UserId, InboxKind.Cancel,
            StableHash.TimedKey(now, StableHash.Key("exit", pair.Candidate.MessageId.ToString())),
            new Dictionary<string, object?> { ["instance"] = pair.Candidate.InstanceId.ToString(), ["exit"] = true, ["reason"] = $"exit condition met before a send: {pair.Rule.Text}" }))], ct);
        return leaving.ToDictionary(pair => pair.Candidate.MessageId, pair => $"the exit condition of “{pair.Version.Name}” is met: {pair.Rule.Text}");
    }

    private sealed class Scope(SendCandidate candidate, VersionGraph version, EventCounts counts) : IExpressionScope
    {
        public DateTimeOffset Now => candidate.Now;

        public object? Root(string name) => name switch
        {
            "contact" => candidate.Contact.Fields,
            "trigger" or "input" => candidate.Trigger,
            "journey" => new Dictionary<string, object?> { ["id"] = version.DefinitionId, ["name"] = version.Name, ["version"] = (long)version.Version },
            "now" => candidate.Now,
            _ => null,
        };

        public long CountEvents(string type, TimeSpan? window) => counts.Get(candidate.Contact.Id, type, window);
    }
}
