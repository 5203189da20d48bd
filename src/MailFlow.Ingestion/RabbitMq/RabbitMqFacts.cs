using MailFlow.Engine.Facts;
using RabbitMQ.Client;

namespace MailFlow.Ingestion.RabbitMq;

/// <summary>
/// Facts on a topic exchange of RabbitMQ, their type as the routing key: persistent, each confirmed by the broker. One channel, on which they leave one after the other: a queue that is bound
/// to the exchange has a contact's facts in their order.
/// </summary>
internal sealed class RabbitMqFacts(IngestionOptions options) : IFactPublisher, IAsyncDisposable
{
    private IConnection? _connection;
    private IChannel? _channel;

    /// <inheritdoc/>
    public async Task PublishAsync(IReadOnlyList<PublishedFact> facts, CancellationToken ct)
    {
        var channel = await OpenAsync(ct);
        // Written in this order, and confirmed together.
        var confirmed = new List<Task>(facts.Count);
        foreach (var fact in facts) confirmed.Add(channel.BasicPublishAsync(options.RabbitMq.FactExchange, fact.Type, mandatory: false, PropertiesOf(fact), fact.Body, ct).AsTask());
        await Task.WhenAll(confirmed);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_channel is not null) await _channel.DisposeAsync();
        if (_connection is not null) await _connection.DisposeAsync();
    }

    /// <summary>Anew after any trouble: a channel that failed once says nothing more for sure.</summary>
    private async Task<IChannel> OpenAsync(CancellationToken ct)
    {
        if (_channel is { IsOpen: true }) return _channel;
        await DisposeAsync();
        (_channel, _connection) = (null, await options.RabbitMq.ConnectAsync("mailflow facts", ct));
        _channel = await _connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct);
        await _channel.ExchangeDeclareAsync(options.RabbitMq.FactExchange, ExchangeType.Topic, durable: true, cancellationToken: ct);
        return _channel;
    }

    private static BasicProperties PropertiesOf(PublishedFact fact) => new()
    {
        ContentType = "application/json",
        DeliveryMode = DeliveryModes.Persistent,
        MessageId = fact.Id.ToString(),
        Type = fact.Type,
        Headers = new Dictionary<string, object?> { [FactHeaders.Id] = fact.Id.ToString(), [FactHeaders.Type] = fact.Type, ["user_id"] = fact.UserId },
    };
}
