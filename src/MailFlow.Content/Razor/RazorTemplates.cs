using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Content.Razor;

/// <summary>A component that was registered under a key.</summary>
internal sealed record RazorRegistration(string Key, Type Component, string Subject, Engine.Definitions.MessageStream Stream);

/// <summary>The templates that engineers wrote as Razor components: the same in every account, fixed when the process starts.</summary>
public sealed class RazorTemplates
{
    private readonly Dictionary<string, RazorTemplate> _byKey = [];

    /// <summary>Compiles the subjects of all that are registered. Throws when one does not compile or a key is taken twice.</summary>
    public RazorTemplates(IServiceProvider services)
    {
        var logs = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        foreach (var registration in services.GetServices<RazorRegistration>())
            if (!_byKey.TryAdd(registration.Key, new RazorTemplate(registration, services.GetRequiredService<IServiceScopeFactory>(), logs)))
                throw new InvalidOperationException($"Two Razor templates have the key '{registration.Key}'.");
    }

    internal IEnumerable<RazorTemplate> All => _byKey.Values;

    internal RazorTemplate? Find(string key) => _byKey.GetValueOrDefault(key);
}
