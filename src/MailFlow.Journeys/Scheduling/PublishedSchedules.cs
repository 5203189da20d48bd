using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Execution;

namespace MailFlow.Journeys.Scheduling;

/// <summary>A trigger of a published journey that goes by the clock.</summary>
/// <param name="AccountId">Whose.</param>
/// <param name="JourneyId">The journey's dense key.</param>
/// <param name="DefinitionId">The journey.</param>
/// <param name="ActivityId">The trigger.</param>
/// <param name="Schedule">When.</param>
/// <param name="Audience">The segment whose contacts enter.</param>
/// <param name="PublishedAt">From when on; intervals are counted from here.</param>
/// <param name="ExpireLate">How late a time may be caught up with after an outage; null: however late.</param>
internal sealed record PublishedSchedule(
    int AccountId, int JourneyId, string DefinitionId, string ActivityId, TriggerSchedule Schedule, string Audience, DateTimeOffset PublishedAt, TimeSpan? ExpireLate)
{
    /// <summary>Tells two states of one trigger apart.</summary>
    public string Shape => $"{Schedule.Cron}|{Schedule.Every}|{Schedule.TimeZone}|{(Schedule.Every is null ? "" : PublishedAt.ToUnixTimeMilliseconds())}";

    /// <summary>The time that must be written down by now; null for none. Of longer ago than is kept nobody knows whether it was.</summary>
    /// <exception cref="FormatException">The expression is not read any more.</exception>
    public DateTimeOffset? MissedUpTo(DateTimeOffset now) =>
        Times.LastUpTo(Schedule, PublishedAt, now) is { } due && due > PublishedAt && now - due <= (ExpireLate ?? ScheduleFires.Kept) ? due : null;
}

/// <summary>Reads what is to happen by the clock from the published versions: they are the only place where it stands.</summary>
internal sealed class PublishedSchedules(VersionGraphs graphs, Triggers triggers)
{
    /// <summary>Of a journey <c>j</c> and its published version <c>v</c>: from when on it lets contacts in. (A node of the version before sets the version's time alone.)</summary>
    public const string Since = "CASE WHEN j.published_at > v.published_at THEN j.published_at ELSE v.published_at END";

    /// <summary>All of them, or one journey's.</summary>
    public async Task<IReadOnlyList<PublishedSchedule>> ReadAsync(Session session, CancellationToken ct, int? journeyId = null)
    {
        var journeys = await session.QueryAsync($"""
            SELECT j.id, j.account_id, j.definition_id, v.id, {Since}
            FROM journey j JOIN definition_version v ON v.id = j.published_version_id {(journeyId is null ? "" : "WHERE j.id = @journey")}
            """, row => (Id: row.Int(0), Account: row.Int(1), Definition: row.Text(2), Version: row.Long(3), PublishedAt: row.Instant(4)), ct, ("journey", journeyId));
        var versions = await graphs.LoadAsync(session, journeys.Select(journey => journey.Version), ct);
        return [.. from journey in journeys
                   let graph = versions.GetValueOrDefault(journey.Version)?.Graph
                   where graph is not null
                   from node in graph.Triggers
                   let schedule = triggers.ScheduleOf(node)
                   where schedule is not null && (schedule.Audience ?? graph.Rules.Audience) is not null && (schedule.Cron is not { } cron || Times.Problem(cron, schedule.TimeZone) is null)
                   select new PublishedSchedule(
                       journey.Account, journey.Id, journey.Definition, node.Id, schedule, (schedule.Audience ?? graph.Rules.Audience)!, journey.PublishedAt, graph.Rules.ExpireLate)];
    }
}
