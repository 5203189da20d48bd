using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Routing;

/// <summary>A kind of provider whose connections open the stub that the setting <c>stub</c> names.</summary>
internal sealed class StubProviderType : IProviderType
{
    public string Name => "stub";

    public string DisplayName => "Stub";

    public IReadOnlyList<ProviderSetting> Settings { get; } =
        [new("stub", "Stub", "Which stub.", Required: true), new("api_key", "API key", "Anything.", Secret: true), new("mode", "Mode", "How.", Default: "fast", Choices: ["fast", "slow"])];

    public IProviderWebhook? Webhook => null;

    public Dictionary<string, StubProvider> Stubs { get; } = [];

    public List<ConnectionSettings> Opened { get; } = [];

    public IEmailProvider Open(ConnectionSettings settings)
    {
        Opened.Add(settings);
        return Stubs[settings["stub"]];
    }
}
