using System.Net.Security;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Ingestion.RabbitMq;

/// <summary>The queue of events, its dead letters and how MassTransit takes from it.</summary>
internal static class RabbitMqTransport
{
    public static IServiceCollection AddRabbitMq(this IServiceCollection services, IngestionOptions options)
    {
        services.AddSingleton<IDeadLetterQueue, RabbitMqDeadLetters>();
        services.AddMassTransit(bus =>
        {
            bus.AddConsumer<EventBatchConsumer>(consumer => consumer.Options<BatchOptions>(batch => batch
                .SetMessageLimit(Math.Min(options.BatchSize, options.RabbitMq.Prefetch)).SetTimeLimit(options.BatchWait).SetTimeLimitStart(BatchTimeLimitStart.FromFirst).SetConcurrencyLimit(1)));
            bus.UsingRabbitMq((context, rabbit) =>
            {
                Connect(rabbit, options.RabbitMq);
                AsItCame.Use(rabbit);
                rabbit.ReceiveEndpoint(options.RabbitMq.Queue, endpoint => Receive(endpoint, options, context));
            });
        });
        return services.AddHostedService<RabbitMqLag>();
    }

    private static void Connect(IRabbitMqBusFactoryConfigurator rabbit, RabbitMqOptions options) =>
        rabbit.Host(options.Hosts[0], options.PortNumber, options.VirtualHost, "mailflow", host =>
        {
            host.Username(options.UserName);
            host.Password(options.Password);
            if (options.Tls)
                host.UseSsl(tls =>
                {
                    tls.ServerName = options.Hosts[0];
                    // MassTransit takes a certificate of an authority that is not trusted, unless it is told not to.
                    tls.EnforcePolicyErrors(SslPolicyErrors.RemoteCertificateNotAvailable | SslPolicyErrors.RemoteCertificateNameMismatch | SslPolicyErrors.RemoteCertificateChainErrors);
                });
            if (options.Hosts.Length > 1) host.UseCluster(cluster => Array.ForEach(options.Hosts, node => cluster.Node($"{node}:{options.PortNumber}")));
        });

    private static void Receive(IRabbitMqReceiveEndpointConfigurator endpoint, IngestionOptions options, IBusRegistrationContext context)
    {
        endpoint.ConfigureConsumeTopology = false; // senders know the queue's exchange, not our types
        endpoint.PublishFaults = false;
        endpoint.RethrowFaultedMessages(); // back to the queue: what cannot be read never fails here, so what fails is the node's stop
        endpoint.PrefetchCount = Math.Min(options.BatchSize, options.RabbitMq.Prefetch);
        endpoint.ConcurrentMessageLimit = Math.Min(options.BatchSize, options.RabbitMq.Prefetch);
        endpoint.SingleActiveConsumer = options.RabbitMq.SingleActiveConsumer;
        if (options.RabbitMq.Quorum) endpoint.SetQuorumQueue();
        endpoint.BindDeadLetterQueue(options.RabbitMq.DeadLetters, options.RabbitMq.DeadLetters, queue =>
        {
            if (options.RabbitMq.Quorum) queue.SetQueueArgument("x-queue-type", "quorum");
        });
        endpoint.UseFilter(new InOrder());
        endpoint.ConfigureConsumer<EventBatchConsumer>(context);
    }
}
