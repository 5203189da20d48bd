using MailFlow.Audience;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the audience module: contacts, consents, suppressions, segments, and the activities that use them.</summary>
public static class AudienceModule
{
    /// <summary>Needs <see cref="MailFlow.Data.Database"/> and, from the engine, <see cref="IContactChanged"/> and <see cref="MailFlow.Engine.Storage.RecordedEvents"/>.</summary>
    public static IServiceCollection AddAudience(this IServiceCollection services) => services
        .AddActivities(typeof(AudienceModule).Assembly)
        .AddSingleton<IContactStore, ContactStore>()
        .AddSingleton<IPublishCheck, SegmentsExist>()
        .AddSingleton<ISimulationSource, AudienceForSimulation>()
        .AddSingleton<Contacts>()
        .AddSingleton<Consents>()
        .AddSingleton<Suppressions>()
        .AddSingleton<Segments>()
        .AddSingleton<KnownFields>();
}
