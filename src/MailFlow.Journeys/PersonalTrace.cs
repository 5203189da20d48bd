using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>The history of a contact's trips, in words. It is the engine that erases it, because it finds the trips by it.</summary>
internal sealed class PersonalTrace(ContactTrace trace) : IPersonalData
{
    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct) =>
    [
        new("trace", [.. (await trace.DecisionsAsync(session, person.AccountId, person.UserId, ct)).Select(IReadOnlyDictionary<string, object?> (entry) => new Dictionary<string, object?>
        {
            ["at"] = entry.At, ["trip"] = entry.InstanceId, ["journey"] = entry.Journey, ["journey_name"] = entry.JourneyName, ["activity"] = entry.ActivityName ?? entry.ActivityId,
            ["event"] = entry.Event, ["outcome"] = entry.Outcome, ["reason"] = entry.Reason,
        })]),
    ];

    public Task EraseAsync(Session session, Person person, CancellationToken ct) => Task.CompletedTask;
}
