using MailFlow.Data;
using MailFlow.Engine.Facts;
using MailFlow.Ingestion;
using MailFlow.Ingestion.Kafka;
using MailFlow.Ingestion.RabbitMq;
using MassTransit;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the ingestion module: events from a broker, and facts to it.</summary>
public static class IngestionModule
{
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(8), ConsumersStopWithin = TimeSpan.FromSeconds(5);

    private const string FactsSetting = $"{IngestionOptions.Section}:{nameof(IngestionOptions.Facts)}";

    /// <summary>Takes events from the broker that the options name and publishes facts to it, in the background of the host. Needs <see cref="Database"/> and the engine; without a broker nothing is published, nor kept for it.</summary>
    /// <exception cref="InvalidInputException">An option cannot be used; the message names it.</exception>
    public static IServiceCollection AddIngestion(this IServiceCollection services, IngestionOptions options)
    {
        options.Check();
        services.AddSingleton(options);
        if (options.Transport == "none") return services.AddFactPublishing(new FactBus(options.AccountId, [], FactsSetting));
        services.AddSingleton<IngestionMeter>().AddSingleton<EventTaker>();
        services.Configure<UsageTelemetryOptions>(telemetry => telemetry.Enabled = false); // nothing is told to anybody
        services.Configure<MassTransitHostOptions>(host => (host.StopTimeout, host.ConsumerStopTimeout) = (StopWithin, ConsumersStopWithin));
        if (options.Transport == "rabbitmq") services.AddRabbitMq(options).AddSingleton<IFactPublisher, RabbitMqFacts>();
        else services.AddKafka(options).AddSingleton<IFactPublisher, KafkaFacts>();
        return services.AddFactPublishing(new FactBus(options.AccountId, options.Facts, FactsSetting)); // with no types, what was asked for before is asked for no more
    }
}
