using MailFlow.Data;
using MailFlow.Delivery.Providers.AmazonSes;
using MailFlow.Delivery.Providers.Http;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>The kinds of providers as the module registers them.</summary>
internal static class ProviderKinds
{
    public static IReadOnlyList<IProviderType> All(TimeProvider time, ProviderHttp http, DeliveryOptions options, SnsCertificates? certificates = null, Database? database = null)
    {
        var services = new ServiceCollection().AddProviderTypes();
        services.AddSingleton(time).AddSingleton(http).AddSingleton(options);
        if (certificates is not null) services.AddSingleton(certificates);
        services.AddSingleton<Database>(_ => database ?? throw new InvalidOperationException("This test has no database."));
        return database is null
            ? [.. services.Where(service => service.ServiceType == typeof(IProviderType) && service.ImplementationType!.Name != "SandboxType")
                .Select(service => (IProviderType)ActivatorUtilities.CreateInstance(services.BuildServiceProvider(), service.ImplementationType!))]
            : [.. services.BuildServiceProvider().GetServices<IProviderType>()];
    }

    public static IProviderType Of(string kind, TimeProvider? time = null, DeliveryOptions? options = null)
    {
        var clock = time ?? new FakeTime();
        return All(clock, new ProviderHttp(clock), options ?? new DeliveryOptions()).Single(type => type.Name == kind);
    }
}
