using MailFlow.Audience;
using MailFlow.Audience.Importing;
using MailFlow.Audience.Privacy;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the audience module: contacts, consents, suppressions, segments, what persons ask of their data, and the activities that use them.</summary>
public static class AudienceModule
{
    /// <summary>Needs <see cref="Database"/> and, from the engine, <see cref="IContactChanged"/> and <see cref="RecordedEvents"/>.</summary>
    public static IServiceCollection AddAudience(this IServiceCollection services)
    {
        services.AddActivities(typeof(AudienceModule).Assembly);
        services.TryAddSingleton(FaultPoints.None);
        services.TryAddSingleton<WorkSignal>();
        services.TryAddSingleton(new RetentionOptions());
        services.AddFactTypes([.. ConsentFacts.Types, .. ErasureFacts.Types]);
        services.AddSingleton<IContactStore, ContactStore>();
        services.AddSingleton<IPublishCheck, SegmentsExist>();
        services.AddSingleton<ISimulationSource, AudienceForSimulation>();
        services.AddSingleton<Contacts>().AddSingleton<Consents>().AddSingleton<Purposes>().AddSingleton<Segments>().AddSingleton<KnownFields>();
        services.AddSingleton<AddressHashes>();
        services.AddSingleton(provider => new Suppressions(provider.GetRequiredService<Database>(), provider.GetRequiredService<AddressHashes>()));
        services.AddSingleton<SuppressionFile>().AddSingleton<ContactImport>();
        services.AddSingleton<IPersonalData, PersonalContact>();
        services.AddSingleton(provider => new PrivacyRequests(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<AddressHashes>(), provider.GetServices<IPersonalData>()));
        services.AddSingleton(provider => new Erasure(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<PrivacyRequests>(), provider.GetRequiredService<AddressHashes>(),
            provider.GetServices<IPersonalData>(), provider.GetRequiredService<WorkSignal>(), provider.GetRequiredService<IFaultPoints>()));
        services.AddSingleton(new RetentionRule("suppressions that have ended", TimeSpan.Zero, """
            DELETE FROM suppression WHERE (account_id, email, scope) IN (SELECT account_id, email, scope FROM suppression WHERE expires_at < @before LIMIT @chunk)
            """));
        return services.AddSingleton(provider => new RetentionRule("privacy requests", RetentionOptions.Or(provider.GetRequiredService<RetentionOptions>().PrivacyRequests), """
            DELETE FROM privacy_request WHERE id IN (SELECT id FROM privacy_request WHERE done_at < @before LIMIT @chunk)
            """));
    }

    /// <summary>Finishes erasures in the background of the host; without, a test steps them.</summary>
    public static IServiceCollection AddAudienceWorkers(this IServiceCollection services) => services.AddHostedService<ErasureLoop>();
}
