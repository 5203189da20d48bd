using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Facts;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the engine.</summary>
public static class EngineModule
{
    /// <summary>
    /// Adds the engine and Elsa's own activities. Wants a <see cref="Database"/>, a <see cref="TimeProvider"/> and an <see cref="IContactStore"/>. The workers run
    /// only with <see cref="AddEngineWorkers"/>; without, a test steps them.
    /// </summary>
    public static IServiceCollection AddEngine(this IServiceCollection services)
    {
        services.AddActivities(typeof(EngineModule).Assembly);
        services.TryAddSingleton(FaultPoints.None);
        services.TryAddSingleton(Random.Shared);
        services.TryAddSingleton(new EngineNode("engine"));
        services.TryAddSingleton<WorkSignal>();
        services.TryAddSingleton<EffectSignal>();
        services.AddSingleton<INodeSignal>(provider => provider.GetRequiredService<WorkSignal>());
        services.AddSingleton<INodeSignal>(provider => provider.GetRequiredService<EffectSignal>());
        services.TryAddSingleton<EventIntake>();
        services.TryAddSingleton<RecordedEvents>();
        services.TryAddSingleton(provider => new DeadLetters(provider.GetRequiredService<Database>(), provider.GetRequiredService<WorkSignal>()));
        services.TryAddSingleton<GraphBuilder>();
        services.TryAddSingleton<Triggers>();
        services.TryAddSingleton<Catalog>();
        services.TryAddSingleton<IContactChanged, ContactChangedCommands>();
        services.AddSingleton<IPublishCheck, InputsMakeSense>();
        services.AddSingleton<ISimulationSource, EventsForSimulation>();
        services.AddSingleton<IPersonalData, PersonalTrips>();
        services.TryAddSingleton(new RetentionOptions());
        services.AddSingleton(provider => HistoryStore.Kept(provider.GetRequiredService<RetentionOptions>(), provider.GetRequiredService<Database>().Dialect));
        services.AddSingleton(EventStore.Kept).AddSingleton<MonthlyPartitions>();
        services.AddSingleton(provider => new RetentionRule("audit", RetentionOptions.Or(provider.GetRequiredService<RetentionOptions>().Audit),
            // The record is append-only but for what is older than this.
            "UPDATE audit_horizon SET before = @before WHERE before < @before", """
            DELETE FROM audit WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM audit ORDER BY seq LIMIT @chunk) AS oldest WHERE at < @before)
            """));
        services.AddFactTypes(InstanceFacts.Types);
        services.AddSingleton(provider => Outbox.Kept(provider.GetRequiredService<RetentionOptions>()));
        services.TryAddSingleton<JobRunner>();
        services.TryAddSingleton(provider => new Worker(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<Catalog>(), provider.GetRequiredService<IServiceScopeFactory>(),
            provider.GetRequiredService<WorkSignal>(), provider.GetRequiredService<IFaultPoints>(), provider.GetRequiredService<ILogger<Worker>>(),
            provider.GetRequiredService<EngineNode>().Name));
        return services;
    }

    /// <summary>Makes the facts known that a module tells.</summary>
    public static IServiceCollection AddFactTypes(this IServiceCollection services, IEnumerable<FactType> types)
    {
        foreach (var type in types) services.AddSingleton(type);
        return services;
    }

    /// <summary>Publishes an account's facts to a message bus, in the background of the host. Wants an <see cref="IFactPublisher"/>, unless there is nothing to publish. What is asked for and not known stops the start.</summary>
    public static IServiceCollection AddFactPublishing(this IServiceCollection services, FactBus bus)
    {
        services.AddSingleton(bus).AddSingleton<FactPublishing>();
        return services.AddHostedService(provider =>
        {
            bus.Check(provider.GetServices<FactType>());
            return provider.GetRequiredService<FactPublishing>();
        });
    }

    /// <summary>Runs the workers and the jobs in the background of the host. Retention and partitions are upkeep: done where somebody goes by the clock.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="node">This process's name among those on the same database: the same after a restart, so that it knows when its last run died.</param>
    public static IServiceCollection AddEngineWorkers(this IServiceCollection services, string node)
    {
        services.Replace(ServiceDescriptor.Singleton(new EngineNode(node)));
        services.AddHostedService<WorkerLoop>();
        services.AddSingleton<Retention>().AddSingleton(provider => new Upkeep("retention", TimeSpan.FromHours(1), provider.GetRequiredService<Retention>().RunOnceAsync));
        services.AddSingleton(provider => new Upkeep("partitions", TimeSpan.FromHours(1), provider.GetRequiredService<MonthlyPartitions>().MakeAheadAsync));
        services.AddHostedService(provider => provider.GetRequiredService<JobRunner>());
        return services;
    }
}
