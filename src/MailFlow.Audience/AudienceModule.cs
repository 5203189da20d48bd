using MailFlow.Audience;
using MailFlow.Engine.Activities;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the audience module: contacts, consents, suppressions, segments.</summary>
public static class AudienceModule
{
    /// <summary>Needs <see cref="MailFlow.Data.Database"/> and, from the engine, <see cref="IContactChanged"/>.</summary>
    public static IServiceCollection AddAudience(this IServiceCollection services) => services
        .AddSingleton<IContactStore, ContactStore>()
        .AddSingleton<Contacts>()
        .AddSingleton<Consents>()
        .AddSingleton<Suppressions>();
}
