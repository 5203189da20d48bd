using MailFlow.Data;

namespace MailFlow.Delivery.Providers.Sandbox;

/// <summary>Captures mail in the database and sends none: for trying journeys out beside real connections.</summary>
internal sealed class SandboxType(Database database) : IProviderType
{
    public const string Key = "sandbox";

    public string Name => Key;

    public string DisplayName => "Sandbox";

    public IReadOnlyList<ProviderSetting> Settings => [];

    public IProviderWebhook? Webhook => null;

    public IEmailProvider Open(ConnectionSettings settings) => new SandboxProvider(database);
}
