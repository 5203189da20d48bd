using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Delivery.Activities;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Deliverability.Dkim;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Delivery.Providers.Sandbox;
using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Delivery.Reports;
using MailFlow.Delivery.Routing;
using MailFlow.Delivery.Sending;
using MailFlow.Delivery.Tracking;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the delivery module: ledger, sender, providers and what they report, recipients' pages, sending domains.</summary>
public static class DeliveryModule
{
    /// <summary>
    /// Needs <see cref="Database"/>, the audience and the content modules. An <see cref="IEmailProvider"/> registered before takes the place of the configured one; so
    /// does an <see cref="IFaultPoints"/>. Without an <see cref="ISecretBox"/> registered before, no secret can be kept.
    /// </summary>
    /// <exception cref="InvalidInputException">An option cannot be used; the message names it.</exception>
    public static IServiceCollection AddDelivery(this IServiceCollection services, DeliveryOptions options)
    {
        options.Check();
        services.AddSingleton(options);
        services.AddActivities(typeof(DeliveryModule).Assembly);
        services.TryAddSingleton(FaultPoints.None);
        services.TryAddSingleton<TimeProvider>(provider => provider.GetRequiredService<Database>().Time);
        services.TryAddSingleton(Random.Shared);
        services.TryAddSingleton<ISecretBox, NoSecretBox>();
        services.AddSingleton<IPublishCheck, TemplatesExist>().AddSingleton<IPublishCheck, SenderIsReady>();
        services.AddSingleton<ISimulationSource, DeliveryForSimulation>();
        services.AddFactTypes(MailFacts.Types);
        return services.AddLedger().AddProviders().AddSender(options).AddRecipientPages().AddFeedback().AddDeliverability().AddMailRetention();
    }

    private static IServiceCollection AddLedger(this IServiceCollection services) => services
        .AddSingleton<MessageSignal>().AddSingleton<INodeSignal>(provider => provider.GetRequiredService<MessageSignal>()).AddSingleton(provider => new Messages(provider.GetRequiredService<Database>(), provider.GetRequiredService<HeldMail>())).AddSingleton<AccountSettings>().AddSingleton<MessageBases>()
        .AddSingleton<SenderRules>().AddSingleton(provider => new Senders(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<DeliveryOptions>(), provider.GetRequiredService<SenderRules>()))
        .AddSingleton<IInstanceEnded>(provider => provider.GetRequiredService<Messages>())
        .AddSingleton<IPersonalData, PersonalMail>().AddSingleton<IPersonalData, PersonalReports>();

    /// <summary>The server's own provider, the kinds that accounts connect to, and how mail is spread over them.</summary>
    private static IServiceCollection AddProviders(this IServiceCollection services)
    {
        services.TryAddSingleton<IEmailProvider>(provider => provider.GetRequiredService<DeliveryOptions>().Provider switch
        {
            "smtp" => ActivatorUtilities.CreateInstance<SmtpProvider>(provider),
            _ => ActivatorUtilities.CreateInstance<SandboxProvider>(provider),
        });
        services.TryAddSingleton<IRateLimits, StoredLimits>();
        return services.AddProviderTypes().AddSingleton<SandboxMailbox>()
            .AddSingleton(provider => new Connections(
                provider.GetRequiredService<Database>(), provider.GetRequiredService<ISecretBox>(), provider.GetServices<IProviderType>(), provider.GetRequiredService<Senders>, provider.GetRequiredService<DeliveryOptions>()))
            .AddSingleton(provider => new SendingStops(provider.GetRequiredService<Database>(), provider.GetRequiredService<Senders>()))
            .AddSingleton<Routes>().AddSingleton<FlowControl>().AddSingleton<HeldMail>().AddSingleton(provider => new MessageBacklogs(provider.GetRequiredService<HeldMail>())).AddSingleton<WarmUps>().AddSingleton<MailboxLimits>().AddSingleton<SendingPolicies>()
            .AddSingleton(provider => new SendingOverview(
                provider.GetRequiredService<Database>(), provider.GetRequiredService<Routes>(), provider.GetRequiredService<FlowControl>(), provider.GetRequiredService<Senders>()));
    }

    private static IServiceCollection AddSender(this IServiceCollection services, DeliveryOptions options) => services
        .AddSingleton<NodeEpoch>().AddSingleton<SendChecks>().AddSingleton<HandOverDesk>().AddSingleton<Composer>().AddSingleton<Dispatch>()
        .AddSingleton<Answers>().AddSingleton<Sweep>().AddSingleton<RetrySchedule>()
        .AddSingleton(provider => new MessageSender(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<NodeEpoch>(), provider.GetRequiredService<HandOverDesk>(),
            provider.GetRequiredService<Dispatch>(), provider.GetRequiredService<Answers>(), provider.GetRequiredService<Sweep>(),
            provider.GetRequiredService<FeedbackSignal>(), options, provider.GetRequiredService<IFaultPoints>()))
        .AddSingleton(provider => new TrialMail(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<Templates>(), provider.GetRequiredService<TemplateRenderer>(),
            provider.GetRequiredService<Senders>(), provider.GetRequiredService<Suppressions>(), provider.GetRequiredService<Routes>(), options));

    /// <summary>What is behind the links in mail: unsubscribe, preferences, double opt-in.</summary>
    private static IServiceCollection AddRecipientPages(this IServiceCollection services) => services
        .AddSingleton<SigningKeys>().AddSingleton<UnsubscribeLinks>()
        .AddSingleton(provider => new Unsubscribe(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<UnsubscribeLinks>(), provider.GetRequiredService<Suppressions>(),
            provider.GetRequiredService<Consents>(), provider.GetRequiredService<IContactStore>(), provider.GetRequiredService<Senders>(), provider.GetRequiredService<EventIntake>()))
        .AddSingleton(provider => new Preferences(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<UnsubscribeLinks>(), provider.GetRequiredService<Suppressions>(),
            provider.GetRequiredService<Consents>(), provider.GetRequiredService<IContactStore>(), provider.GetRequiredService<Senders>(), provider.GetRequiredService<EventIntake>()))
        .AddSingleton(provider => new Confirmation(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<UnsubscribeLinks>(), provider.GetRequiredService<Suppressions>(),
            provider.GetRequiredService<Consents>(), provider.GetRequiredService<IContactStore>(), provider.GetRequiredService<Senders>(), provider.GetRequiredService<EventIntake>()));

    /// <summary>What comes back: webhooks, our own tracking, and what both do.</summary>
    private static IServiceCollection AddFeedback(this IServiceCollection services) => services
        .AddSingleton<FeedbackSignal>().AddSingleton<INodeSignal>(provider => provider.GetRequiredService<FeedbackSignal>()).AddSingleton<WebhookIntake>().AddSingleton<Effects>().AddSingleton<Settling>().AddSingleton<Guarantees>().AddSingleton<LaidAsideCalls>().AddSingleton<LinkHosts>()
        .AddSingleton(provider => new Webhooks(
            provider.GetRequiredService<Connections>(), provider.GetRequiredService<WebhookIntake>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<Webhooks>>()))
        .AddSingleton(provider => new MailTracking(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<SigningKeys>(), provider.GetRequiredService<WebhookIntake>(),
            provider.GetRequiredService<LinkHosts>(), provider.GetRequiredService<DeliveryOptions>(), provider.GetRequiredService<ILogger<MailTracking>>()))
        .AddSingleton(provider => new FeedbackProcessor(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<Connections>(), provider.GetRequiredService<SigningKeys>(), provider.GetRequiredService<Effects>(),
            provider.GetRequiredService<Settling>(), provider.GetRequiredService<EventIntake>(), provider.GetRequiredService<IFaultPoints>(), provider.GetRequiredService<ILogger<FeedbackProcessor>>()));

    /// <summary>Sending domains: DNS, checks, DKIM.</summary>
    private static IServiceCollection AddDeliverability(this IServiceCollection services)
    {
        services.TryAddSingleton<IDnsResolver>(provider => new DnsResolver(provider.GetRequiredService<DeliveryOptions>().Dns, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<ITlsProbe, TlsProbe>();
        services.TryAddSingleton<ISendingRoutes, AccountRoutes>();
        return services.AddSingleton<DomainChecks>().AddSingleton<DkimKeys>().AddSingleton<IMailSigner, MailSigner>().AddSingleton(provider => new SendingDomains(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<ISecretBox>(), provider.GetRequiredService<ISendingRoutes>(), provider.GetRequiredService<DomainChecks>(), provider.GetRequiredService<Senders>))
            .AddSingleton(provider => new Upkeep("domain-checks", TimeSpan.FromHours(1), provider.GetRequiredService<SendingDomains>().RecheckAsync));
    }

    private static IServiceCollection AddMailRetention(this IServiceCollection services) => services
        .AddSingleton(provider => MailRetention.Messages(provider.GetRequiredService<RetentionOptions>()))
        .AddSingleton(provider => MailRetention.CapturedMail(provider.GetRequiredService<RetentionOptions>()))
        .AddSingleton(provider => MailRetention.LaidAsideCalls(provider.GetRequiredService<RetentionOptions>()))
        .AddSingleton(MailRetention.SoftBounces).AddSingleton(MailRetention.SenderFaults).AddSingleton(MailRetention.WebhookTokens).AddSingleton(MailRetention.Days);

    /// <summary>
    /// Has every mail captured in the database, whatever provider was configured or registered, and signs links with keys of that database's own: a
    /// simulation can neither send mail nor make a link that works. Wants <see cref="AddDelivery"/> before it.
    /// </summary>
    public static IServiceCollection UseSandbox(this IServiceCollection services)
    {
        var configured = (DeliveryOptions)services.Last(service => service.ServiceType == typeof(DeliveryOptions)).ImplementationInstance!;
        services.RemoveAll<IEmailProvider>().RemoveAll<IProviderType>().RemoveAll<DeliveryOptions>().RemoveAll<IRateLimits>();
        services.AddSingleton(configured with { Provider = "sandbox", SigningKeys = [], Lanes = 1, Node = "simulation" });
        return services.AddSingleton<IProviderType, SandboxType>().AddSingleton<IEmailProvider, SandboxProvider>().AddSingleton<IRateLimits, StoredLimits>();
    }

    /// <summary>Shares limits by the second over Redis, for many nodes; without, they are rows in the database. A Redis that is away slows what is limited and stops nothing.</summary>
    /// <param name="services">With <see cref="AddDelivery"/>.</param>
    /// <param name="configuration">As StackExchange.Redis reads it: <c>host:6379,password=…,ssl=true</c>.</param>
    /// <exception cref="InvalidInputException">The configuration cannot be read.</exception>
    public static IServiceCollection UseRedis(this IServiceCollection services, string configuration)
    {
        try
        {
            StackExchange.Redis.ConfigurationOptions.Parse(configuration);
        }
        catch (ArgumentException error)
        {
            throw new InvalidInputException("ConnectionStrings:Redis", $"the connection string cannot be read: {error.Message}");
        }
        return services.AddSingleton(_ => RedisLimits.Connect(configuration)).UseRedis();
    }

    /// <summary>As the public one, over a connection that is there already.</summary>
    internal static IServiceCollection UseRedis(this IServiceCollection services, StackExchange.Redis.IConnectionMultiplexer connection) => services.AddSingleton(connection).UseRedis();

    private static IServiceCollection UseRedis(this IServiceCollection services) => services.RemoveAll<IRateLimits>().AddSingleton<IRateLimits, RedisLimits>();

    /// <summary>Runs the sender and the reader of reports in the background of the host; without, a test steps them. Wants the engine.</summary>
    public static IServiceCollection AddDeliveryWorkers(this IServiceCollection services) => services.AddSingleton<IHostedService, SenderLoop>()
        .AddSingleton<IHostedService, FeedbackLoop>();
}
