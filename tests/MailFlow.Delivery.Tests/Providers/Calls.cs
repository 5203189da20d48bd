using System.Text;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>Webhook calls as they come in.</summary>
internal static class Calls
{
    public static readonly DateTimeOffset Now = new FakeTime().GetUtcNow();

    /// <summary>Our send key in the examples.</summary>
    public static readonly Guid Key = new("0198a1b2-0000-7000-8000-000000000001");

    public static WebhookCall Of(string body, params (string Name, string Value)[] headers) => Of(Encoding.UTF8.GetBytes(body), headers);

    public static WebhookCall Of(byte[] body, params (string Name, string Value)[] headers) =>
        new(headers.ToDictionary(header => header.Name, header => header.Value), new Dictionary<string, string>(), body, Now);

    public static ConnectionSettings Settings(params (string Name, string Value)[] settings) => new(settings.ToDictionary(setting => setting.Name, setting => setting.Value));

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    public static async Task<bool> IsVerifiedAsync(this IProviderWebhook webhook, WebhookCall call, ConnectionSettings settings) =>
        await webhook.VerifyAsync(call, settings, default) is WebhookVerdict.Verified;
}
