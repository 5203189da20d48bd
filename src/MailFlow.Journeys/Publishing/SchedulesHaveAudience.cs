using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;

namespace MailFlow.Journeys.Publishing;

/// <summary>Refuses a trigger that goes by the clock and is for nobody.</summary>
internal sealed class SchedulesHaveAudience(Triggers triggers) : IPublishCheck
{
    public Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct) => Task.FromResult<IReadOnlyList<Finding>>([.. graph.Triggers
        .Where(node => triggers.ScheduleOf(node) is { } schedule && string.IsNullOrEmpty(schedule.Audience ?? graph.Rules.Audience))
        .Select(node => new Finding(Severity.Error, node.Id, node.Title, null, "schedule_without_audience",
            $"“{node.Title}” starts by the clock, and nothing says for whom: choose a segment as the journey's audience, or use MailFlow.Schedule, which has one of its own."))]);
}
