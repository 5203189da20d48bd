using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys.Activities;
using MailFlow.Journeys.Scheduling;

namespace MailFlow.Journeys.Publishing;

/// <summary>Refuses a cron expression of which there is no time any more.</summary>
internal sealed class SchedulesHaveTimes : IPublishCheck
{
    public async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        return [.. graph.Nodes.Select(node => Check(node, now)).OfType<Finding>()];
    }

    private static Finding? Check(Node node, DateTimeOffset now)
    {
        var (input, cron, zone) = node.Activity.Inputs.Constant switch
        {
            Schedule.Input schedule => ("cron", schedule.Cron, schedule.TimeZone),
            ElsaCron.Input elsa => ("cronExpression", elsa.CronExpression, null),
            _ => ("", null, null),
        };
        if (cron is null || Times.Problem(cron, zone) is not null || Times.HasNext(new(cron, null, zone, null), now)) return null; // what is no cron expression at all is refused as such
        return new Finding(Severity.Error, node.Id, node.Title, input, "no_next_time", $"“{node.Title}” {input}: there is no time of '{cron}' any more; choose one that is still to come.");
    }
}
