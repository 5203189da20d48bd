using MailFlow.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace MailFlow.Ingestion.RabbitMq;

/// <summary>Asks the broker now and then how many messages the queue holds that no node has, and so notices when the broker is away.</summary>
internal sealed partial class RabbitMqLag(IngestionOptions options, IngestionMeter meter, Database database, ILogger<RabbitMqLag> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private IConnection? _connection;
    private bool _isAway;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        meter.Begin();
        using var timer = new PeriodicTimer(Every, database.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await AskAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
        finally
        {
            if (_connection is not null) await _connection.DisposeAsync();
        }
    }

    private async Task AskAsync(CancellationToken ct)
    {
        try
        {
            if (_connection is not { IsOpen: true })
            {
                if (_connection is not null) await _connection.DisposeAsync();
                _connection = await options.RabbitMq.ConnectAsync("mailflow lag", ct);
            }
            await using var channel = await _connection.CreateChannelAsync(cancellationToken: ct);
            meter.Lag(options.RabbitMq.Queue, (await channel.QueueDeclarePassiveAsync(options.RabbitMq.Queue, ct)).MessageCount);
            if (_isAway) Back();
            meter.Connected(!(_isAway = false));
        }
        catch (Exception error) when (!ct.IsCancellationRequested)
        {
            meter.Connected(false);
            // The client tells that no host could be reached; why is within: a name, a password, a certificate.
            if (!_isAway) Away(error.GetBaseException().Message);
            _isAway = true;
        }
    }

    [LoggerMessage(EventId = 20, Level = LogLevel.Error, Message = "RabbitMQ or its queue is out of reach ({Reason}); it is tried again until it is there")]
    private partial void Away(string reason);

    [LoggerMessage(EventId = 21, Level = LogLevel.Information, Message = "RabbitMQ is within reach again")]
    private partial void Back();
}
