using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using MailFlow.Journeys.Scheduling;

namespace MailFlow.Journeys;

/// <summary>What changes which contacts enter and whether they move.</summary>
public sealed partial class JourneyDefinitions
{
    /// <summary>
    /// Publishes the latest version: contacts enter it from now on; those inside stay on the version they entered. With a finding that is
    /// an error nothing changes. Publishing what is published changes nothing either.
    /// </summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public async Task<PublishResult> PublishAsync(int accountId, string definitionId, CancellationToken ct) => await _database.WriteAsync(async session =>
    {
        await session.LockAccountAsync(accountId, ct); // what is checked does not change before the commit, or whoever changes it sees this
        var journey = await LockAsync(session, accountId, definitionId, ct);
        var latest = (await FindAsync(session, accountId, definitionId, null, ct))!;
        var findings = await CheckAsync(session, accountId, latest.Definition, ct);
        if (latest.IsPublished || findings.Any(finding => finding.Severity == Severity.Error)) return new PublishResult(latest.Version, latest.IsPublished, findings);

        var now = await session.NowAsync(ct);
        await ScheduleFires.FireMissedAsync(session, await _schedules.ReadAsync(session, ct, journey), DateTimeOffset.FromUnixTimeMilliseconds(now), ct);
        await session.ExecuteAsync("UPDATE definition_version SET published_at = @now WHERE id = @id AND published_at IS NULL", ct, ("now", now), ("id", latest.Id));
        await session.ExecuteAsync("UPDATE journey SET published_version_id = @version, published_at = @now, name = @name, updated_at = @now WHERE id = @journey",
            ct, ("version", latest.Id), ("name", latest.Definition.Name), ("now", now), ("journey", journey));
        await Audit.RecordAsync(session, accountId, "journey.publish", definitionId, ct, ("version", latest.Version));
        await EngineEpoch.BumpAsync(session, ct);
        return new PublishResult(latest.Version, true, findings);
    }, ct);

    /// <summary>What would be found on publishing this definition, which need not be saved.</summary>
    /// <exception cref="InvalidInputException">The JSON is no definition.</exception>
    public Task<IReadOnlyList<Finding>> CheckAsync(int accountId, string json, CancellationToken ct)
    {
        var definition = WorkflowDefinition.Parse(json);
        return _database.ReadAsync(session => CheckAsync(session, accountId, definition, ct), ct);
    }

    internal Task<IReadOnlyList<Finding>> CheckAsync(int accountId, StoredDefinition stored, CancellationToken ct) =>
        _database.ReadAsync(session => CheckAsync(session, accountId, stored.Definition, ct), ct);

    /// <summary>Lets no more contacts in; those inside go on.</summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public Task UnpublishAsync(int accountId, string definitionId, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        var journey = await LockAsync(session, accountId, definitionId, ct);
        if (await session.ExecuteAsync("UPDATE journey SET published_version_id = NULL, updated_at = @now WHERE id = @journey AND published_version_id IS NOT NULL",
                ct, ("now", await session.NowAsync(ct)), ("journey", journey)) == 0) return;
        await Audit.RecordAsync(session, accountId, "journey.unpublish", definitionId, ct);
        await EngineEpoch.BumpAsync(session, ct);
    }, ct);

    /// <summary>
    /// Holds a journey still. Clocks run on: what falls due waits for the resume, as do entries and queued mail; events still satisfy waits, and exits still
    /// apply. Pausing what is paused changes nothing.
    /// </summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public Task PauseAsync(int accountId, string definitionId, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        var journey = await LockAsync(session, accountId, definitionId, ct);
        if (!await SetPausedAsync(session, journey, paused: true, ct)) return;
        await Audit.RecordAsync(session, accountId, "journey.pause", definitionId, ct);
        await EngineEpoch.BumpAsync(session, ct);
    }, ct);

    /// <summary>Lets a paused journey go on; what fell due meanwhile runs now. Resuming what is not paused changes nothing.</summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public async Task ResumeAsync(int accountId, string definitionId, CancellationToken ct)
    {
        var resumed = await _database.WriteAsync(async session =>
        {
            var journey = await LockAsync(session, accountId, definitionId, ct);
            if (!await SetPausedAsync(session, journey, paused: false, ct)) return false;
            await Audit.RecordAsync(session, accountId, "journey.resume", definitionId, ct);
            await EngineEpoch.BumpAsync(session, ct);
            // To every shard: a worker that still held the journey for paused may be parking an instance at this moment; its shard takes the command after that.
            var now = await session.NowAsync(ct);
            await Inbox.PostAsync(session, [.. Enumerable.Range(0, StableHash.Shards).Select(shard => new InboxItem(
                accountId, shard, InboxKind.ResumeJourney, StableHash.TimedKey(now, StableHash.Key("resume", journey.ToString(), shard.ToString())), null,
                JsonData.Write(new Dictionary<string, object?> { ["journey"] = (long)journey })))], ct);
            return true;
        }, ct);
        if (resumed) _signal.Notify(Enumerable.Range(0, StableHash.Shards));
    }

    private async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, WorkflowDefinition definition, CancellationToken ct)
    {
        var lint = _linter.Check(definition);
        var findings = new List<Finding>(lint.Findings);
        if (lint.Graph is { } graph)
            foreach (var check in _checks) findings.AddRange(await check.CheckAsync(session, accountId, graph, ct));
        return findings;
    }

    private static async Task<bool> SetPausedAsync(Session session, int journey, bool paused, CancellationToken ct) => await session.ExecuteAsync(
        "UPDATE journey SET paused = @paused, resumed_at = CASE WHEN @paused THEN resumed_at ELSE @now END, updated_at = @now WHERE id = @journey AND paused <> @paused",
        ct, ("paused", paused), ("now", await session.NowAsync(ct)), ("journey", journey)) > 0;
}
