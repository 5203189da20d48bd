using System.Reflection;
using MailFlow.Content;
using MailFlow.Content.Razor;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the content module.</summary>
public static class ContentModule
{
    /// <summary>Adds <see cref="Templates"/> and <see cref="TemplateRenderer"/>. Needs <see cref="Database"/> and <see cref="TimeProvider"/>.</summary>
    public static IServiceCollection AddContent(this IServiceCollection services)
    {
        services.TryAddSingleton<RazorTemplates>();
        services.TryAddSingleton<Templates>();
        services.TryAddSingleton<TemplateRenderer>();
        services.AddSingleton<ISimulationSource, TemplatesForSimulation>();
        return services;
    }

    /// <summary>Registers a Razor component as the template of a key, in every account.</summary>
    /// <param name="services">Where.</param>
    /// <param name="key">Its key: no account can put a template under it.</param>
    /// <param name="subject">A Handlebars text. Throws at start-up when it does not compile.</param>
    /// <param name="stream">What it is for, where a send does not say.</param>
    public static IServiceCollection AddRazorTemplate<TComponent>(this IServiceCollection services, string key, string subject, MailFlow.Engine.Definitions.MessageStream stream = default)
        where TComponent : IComponent =>
        services.AddSingleton(new RazorRegistration(key, typeof(TComponent), subject, stream));

    /// <summary>Registers every component of an assembly that has a <see cref="TemplateAttribute"/>.</summary>
    public static IServiceCollection AddRazorTemplates(this IServiceCollection services, Assembly assembly)
    {
        foreach (var type in assembly.GetTypes().Where(type => typeof(IComponent).IsAssignableFrom(type) && !type.IsAbstract))
            if (type.GetCustomAttribute<TemplateAttribute>() is { } template)
                services.AddSingleton(new RazorRegistration(template.Key, type, template.Subject, template.Stream));
        return services;
    }
}
