using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Facts;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using MailFlow.Journeys.Facts;
using MailFlow.Journeys.Publishing;
using MailFlow.Journeys.Scheduling;
using MailFlow.Journeys.Simulation;
using MailFlow.Journeys.Webhooks;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the journeys module.</summary>
public static class JourneysModule
{
    /// <summary>Adds journeys and their activities. Wants the engine, the audience and the delivery modules.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="webhooks">How webhooks are called; null: unsigned, and to public addresses only.</param>
    /// <exception cref="ArgumentException">An option cannot be used; the message names it.</exception>
    public static IServiceCollection AddJourneys(this IServiceCollection services, WebhookOptions? webhooks = null)
    {
        webhooks ??= new WebhookOptions();
        if (webhooks.Validate() is { Count: > 0 } errors) throw new ArgumentException(string.Join(' ', errors), nameof(webhooks));
        services.AddActivities(typeof(JourneysModule).Assembly);
        services.AddSingleton(webhooks);
        services.TryAddSingleton(provider => new GuardedHttp(webhooks.Http, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<Linter>();
        services.AddSingleton<IPublishCheck, JourneysExist>().AddSingleton<IPublishCheck, SchedulesHaveAudience>().AddSingleton<IPublishCheck, SchedulesHaveTimes>();
        services.AddSingleton<PublishedSchedules>().AddSingleton<ScheduleFires>();
        services.AddSingleton(new RetentionRule("schedule_fires", ScheduleFires.Kept, """
            DELETE FROM schedule_fire WHERE (journey_id, activity_id, fire_at) IN (SELECT journey_id, activity_id, fire_at FROM schedule_fire WHERE done_at < @before LIMIT @chunk)
            """));
        services.AddSingleton<ISendGate, ExitBeforeSend>();
        services.AddSingleton<VersionGraphs>();
        services.AddSingleton(provider => new JourneyDefinitions(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<Linter>(), provider.GetServices<IPublishCheck>(),
            provider.GetRequiredService<VersionGraphs>(), provider.GetRequiredService<PublishedSchedules>(), provider.GetRequiredService<WorkSignal>()));
        services.TryAddSingleton<DefinitionDiff>();
        services.AddSingleton(provider => new JourneyCopies(provider.GetRequiredService<JourneyDefinitions>()));
        services.AddSingleton(provider => new JourneyList(provider.GetRequiredService<Database>()));
        services.AddSingleton(provider => new JourneyInstances(provider.GetRequiredService<Database>(), provider.GetRequiredService<VersionGraphs>()));
        services.AddSingleton(provider => new JourneyVersions(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<JourneyDefinitions>(), provider.GetRequiredService<VersionGraphs>(), provider.GetRequiredService<DefinitionDiff>()));
        services.AddSingleton(provider => new Instances(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<VersionGraphs>(), provider.GetRequiredService<WorkSignal>()));
        services.AddSingleton(provider => new InstanceSearch(provider.GetRequiredService<Database>()));
        services.AddSingleton(provider => new InstanceTrips(provider.GetRequiredService<Database>(), provider.GetRequiredService<VersionGraphs>()));
        services.AddSingleton(provider => new Vocabulary(provider.GetRequiredService<Database>(), provider.GetRequiredService<ActivityRegistry>()));
        services.AddSingleton<ContactInstances>();
        services.AddSingleton(provider => new ContactTrace(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<VersionGraphs>(), provider.GetRequiredService<Messages>()));
        services.AddSingleton<IPersonalData, PersonalTrace>();
        services.AddFactWebhooks(webhooks);
        services.TryAddSingleton(SimulationLimits.Default);
        // The collection itself, read when a simulation runs: what is registered after this line is in its world too.
        services.AddSingleton(provider => new JourneySimulator(
            services, provider.GetRequiredService<Database>(), provider.GetRequiredService<JourneyDefinitions>(), provider.GetRequiredService<GraphBuilder>(),
            provider.GetServices<ISimulationSource>(), provider.GetRequiredService<SimulationLimits>()));
        return services;
    }

    /// <summary>Facts told to webhooks: never through the installation's redirects, and no more of an answer kept than the log shows.</summary>
    private static IServiceCollection AddFactWebhooks(this IServiceCollection services, WebhookOptions webhooks) => services
        .AddSingleton(new OutgoingOptions(webhooks.Http.TimeoutSeconds, webhooks.DisableEndpointsAfter))
        .AddSingleton(provider => new SignedCall(
            webhooks.Http with { MaxRedirects = 0, KeptResponseBytes = SignedCall.KeptBytes }, provider.GetRequiredService<ISecretBox>(), provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<WebhookRelay>().AddSingleton<WebhookOutcomes>().AddSingleton<WebhookLog>().AddSingleton<IPersonalData, PersonalFacts>()
        .AddSingleton(provider => new WebhookEndpoints(provider.GetRequiredService<Database>(), provider.GetRequiredService<ISecretBox>(), provider.GetServices<FactType>()))
        .AddSingleton(provider => new WebhookTrial(provider.GetRequiredService<Database>(), provider.GetRequiredService<SignedCall>()))
        .AddSingleton(provider => new WebhookDeliverer(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<WebhookRelay>(), provider.GetRequiredService<SignedCall>(), provider.GetRequiredService<WebhookOutcomes>(),
            provider.GetRequiredService<OutgoingOptions>(), provider.GetRequiredService<EffectSignal>(), provider.GetRequiredService<Random>(), provider.GetRequiredService<IFaultPoints>(),
            provider.GetRequiredService<ILogger<WebhookDeliverer>>()));

    /// <summary>Keeps the journeys' daily numbers, tells facts to webhooks, strikes the hours of schedules and does all modules' <see cref="Upkeep"/> in the background of the host.</summary>
    public static IServiceCollection AddJourneyWorkers(this IServiceCollection services, ScheduleOptions? schedules = null) =>
        services.AddSingleton(schedules ?? new ScheduleOptions()).AddHostedService<ScheduleClock>().AddHostedService(provider => provider.GetRequiredService<WebhookDeliverer>())
            .AddSingleton<JourneyDays>().AddSingleton(provider => new Upkeep("journey-days", JourneyDays.Every, provider.GetRequiredService<JourneyDays>().RunOnceAsync));
}
