using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Server.Nodes;

/// <summary>
/// On PostgreSQL, tells other nodes of the work that this one does not do itself, and hears of its own. A node that does everything tells nothing, so that a lone one costs nothing.
/// </summary>
internal sealed partial class HintRelay(NodeHints hints, NodeRoles roles, IEnumerable<INodeSignal> signals, Database database, ILogger<HintRelay> log) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!database.Dialect.IsPostgreSql) return Task.CompletedTask;
        var (own, others) = (signals.Where(IsOwn).ToList(), signals.Where(signal => !IsOwn(signal)).ToList());
        foreach (var signal in others) signal.Raised += which => hints.Send(signal.Topic, which);
        return Task.WhenAll(
            others.Count > 0 ? hints.TellAsync(LogUntold, stoppingToken) : Task.CompletedTask,
            own.Count > 0 ? hints.HearAsync(own, LogListening, LogDeaf, stoppingToken) : Task.CompletedTask);
    }

    /// <summary>Shards are the workers' to work; mail and reports are the senders'.</summary>
    private bool IsOwn(INodeSignal signal) => roles.Has(signal is WorkSignal ? NodeRoles.Worker : NodeRoles.Sender);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Hints of other nodes are heard")]
    private partial void LogListening();

    [LoggerMessage(Level = LogLevel.Warning, Message = "Hints to other nodes were lost; they find the work when they next look")]
    private partial void LogUntold(Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Hints of other nodes are not heard for the moment; work is found by looking for it")]
    private partial void LogDeaf(Exception error);
}
