using MailFlow.Delivery;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>A kind of provider whose every connection is the same stub.</summary>
internal sealed class StubType(StubProvider stub) : IProviderType
{
    public string Name => "stub";
    public string DisplayName => "Stub";
    public IReadOnlyList<ProviderSetting> Settings => [];
    public IProviderWebhook? Webhook => null;
    public IEmailProvider Open(ConnectionSettings settings) => stub;
}
