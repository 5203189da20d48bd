using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Ingestion.Kafka;

/// <summary>The topic of events: read by <see cref="KafkaIntake"/>, which dispatches into MassTransit's consumer.</summary>
internal static class KafkaTransport
{
    public static IServiceCollection AddKafka(this IServiceCollection services, IngestionOptions options)
    {
        services.AddSingleton<IDeadLetterQueue, KafkaDeadLetters>();
        services.AddMassTransit(bus =>
        {
            bus.AddConsumer<EventBatchConsumer>(consumer => consumer.Options<BatchOptions>(batch => batch
                .SetMessageLimit(options.BatchSize).SetTimeLimit(options.BatchWait).SetTimeLimitStart(BatchTimeLimitStart.FromFirst).SetConcurrencyLimit(1)));
            bus.UsingInMemory((_, memory) => AsItCame.Use(memory));
        });
        return services.AddHostedService<KafkaIntake>();
    }
}
