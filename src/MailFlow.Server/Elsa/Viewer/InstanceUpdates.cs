using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using MailFlow.Server.Elsa.Definitions;
using Microsoft.AspNetCore.SignalR;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>
/// Tells Studio of changes to the instances that somebody looks at, and of no others. The database is asked, once a second, because any node may have
/// moved them.
/// </summary>
internal sealed partial class InstanceUpdates(
    ObservedInstances observed, InstanceTrips trips, StudioForm form, IHubContext<InstanceHub> hub, Database database, ILogger<InstanceUpdates> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private Dictionary<Guid, (InstanceStatus Status, DateTimeOffset UpdatedAt, int Ver)> _known = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await observed.WaitAsync(stoppingToken);
                try
                {
                    await RunOnceAsync(stoppingToken);
                }
                catch (Exception error) when (error is not OperationCanceledException)
                {
                    Failed(error);
                }
                await Task.Delay(Every, database.Time, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    /// <summary>Tells of what has changed since the last time.</summary>
    private async Task RunOnceAsync(CancellationToken ct)
    {
        var looked = observed.All();
        var now = await trips.LastMovesAsync([.. looked.Select(each => each.Id)], ct);
        foreach (var (account, id) in looked)
        {
            // Also when it is looked at for the first time: it may have moved since the page was loaded.
            if (!now.TryGetValue(id, out var move) || (_known.TryGetValue(id, out var before) && before == move)) continue;
            if (await trips.FindAsync(account, id, ct) is { } trip) await TellAsync(id, new ShownTrip(trip, form), ct);
        }
        _known = new(now);
    }

    private async Task TellAsync(Guid id, ShownTrip trip, CancellationToken ct)
    {
        var group = hub.Clients.Group(id.ToString());
        await group.SendAsync("ActivityExecutionLogUpdatedAsync", Plain(trip.Stats()), ct);
        await group.SendAsync("WorkflowExecutionLogUpdatedAsync", new { }, ct);
        await group.SendAsync("WorkflowInstanceUpdatedAsync", new { workflowInstanceId = id.ToString() }, ct);
    }

    private static JsonElement Plain(JsonObject json) => JsonSerializer.SerializeToElement(json);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Elsa Studio could not be told of changed instances; tried again in a second")]
    private partial void Failed(Exception error);
}
