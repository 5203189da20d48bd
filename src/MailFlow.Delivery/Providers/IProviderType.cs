namespace MailFlow.Delivery;

/// <summary>
/// A kind of provider, such as SendGrid: what a connection to it is set up with, how mail leaves by one, and how what became of the mail comes back.
/// One for the process; an account has any number of connections of a kind.
/// </summary>
public interface IProviderType
{
    /// <summary>Its name in the API and the ledger: <c>sendgrid</c>. Never change it.</summary>
    string Name { get; }

    /// <summary>What people call it: <c>SendGrid</c>.</summary>
    string DisplayName { get; }

    /// <summary>What a connection is set up with, in the order of the form.</summary>
    IReadOnlyList<ProviderSetting> Settings { get; }

    /// <summary>Makes the way out of one connection; it is disposed of when the connection's settings change, if it can be.</summary>
    /// <param name="settings">Complete and checked: each required setting is there.</param>
    /// <exception cref="MailFlow.Data.InvalidInputException">A setting cannot be used; the message names it.</exception>
    IEmailProvider Open(ConnectionSettings settings);

    /// <summary>Where a connection with these settings keeps the data: <c>eu</c>; null where they do not tell.</summary>
    /// <param name="settings">Those that are no secrets.</param>
    string? RegionOf(ConnectionSettings settings) => null;

    /// <summary>How what it reports is taken; null for a kind that reports nothing over HTTP.</summary>
    IProviderWebhook? Webhook { get; }
}

/// <summary>One thing a connection is set up with.</summary>
/// <param name="Name">Its name in the API: <c>api_key</c>.</param>
/// <param name="Label">Its name in the form.</param>
/// <param name="Hint">Where to find it, in plain words.</param>
/// <param name="Required">Whether there is no connection without.</param>
/// <param name="Secret">Whether it is sealed at rest and never shown again.</param>
/// <param name="Default">What stands for it when it is left out.</param>
/// <param name="Choices">The values it may take; null for any.</param>
public sealed record ProviderSetting(
    string Name, string Label, string Hint, bool Required = false, bool Secret = false, string? Default = null, IReadOnlyList<string>? Choices = null);

/// <summary>The settings of one connection, by name. Secrets are in the clear here, so it is never written anywhere.</summary>
public sealed class ConnectionSettings(IReadOnlyDictionary<string, string> values)
{
    /// <summary>A setting that is there or has a default.</summary>
    /// <exception cref="KeyNotFoundException">There is none: the setting should have been declared as required.</exception>
    public string this[string name] => values[name];

    /// <summary>A setting, or null when it was left out and has no default.</summary>
    public string? Find(string name) => values.GetValueOrDefault(name);

    /// <summary>Leaves the values out.</summary>
    public override string ToString() => $"settings: {string.Join(", ", values.Keys)}";
}
