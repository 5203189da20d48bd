using MassTransit;

namespace MailFlow.Ingestion.RabbitMq;

/// <summary>Where a message of RabbitMQ was sent to.</summary>
internal sealed record RabbitMqOrigin(string Exchange, string RoutingKey, DateTimeOffset? SentAt) : MessageOrigin(SentAt)
{
    /// <inheritdoc/>
    public override IEnumerable<(string Name, string Value)> Headers => [("mailflow-exchange", Exchange), ("mailflow-routing-key", RoutingKey)];

    /// <summary>What the broker says of a message. Its timestamp is the sender's, in seconds, and may be nonsense.</summary>
    public static RabbitMqOrigin Of(RabbitMqBasicConsumeContext context) => new(context.Exchange, context.RoutingKey ?? "",
        context.Properties.IsTimestampPresent() && context.Properties.Timestamp.UnixTime is > 0 and < 253_402_300_800 and var seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null);
}
