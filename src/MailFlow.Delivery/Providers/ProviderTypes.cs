using MailFlow.Delivery;
using MailFlow.Delivery.Providers.AmazonSes;
using MailFlow.Delivery.Providers.Http;
using MailFlow.Delivery.Providers.Mailgun;
using MailFlow.Delivery.Providers.Postmark;
using MailFlow.Delivery.Providers.Sandbox;
using MailFlow.Delivery.Providers.SendGrid;
using MailFlow.Delivery.Providers.Smtp;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The kinds of providers there are. An application's own is registered beside them as an <see cref="IProviderType"/>.</summary>
internal static class ProviderTypes
{
    public static IServiceCollection AddProviderTypes(this IServiceCollection services) => services
        .AddSingleton<ProviderHttp>()
        .AddSingleton<SnsCertificates>()
        .AddSingleton<IProviderType, SendGridType>()
        .AddSingleton<IProviderType, SesType>()
        .AddSingleton<IProviderType, MailgunType>()
        .AddSingleton<IProviderType, PostmarkType>()
        .AddSingleton<IProviderType, SmtpType>()
        .AddSingleton<IProviderType, SandboxType>();
}
