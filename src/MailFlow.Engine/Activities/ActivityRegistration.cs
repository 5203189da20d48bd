using System.Reflection;
using MailFlow.Engine.Activities;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers activities.</summary>
public static class ActivityRegistration
{
    /// <summary>Registers every activity of an assembly. The same assembly twice is once.</summary>
    /// <exception cref="InvalidOperationException">A class has no <see cref="ActivityAttribute"/>, or a type name is taken: both classes are named.</exception>
    public static IServiceCollection AddActivities(this IServiceCollection services, Assembly assembly) =>
        services.AddActivities(ActivityRegistry.ClassesOf(assembly));

    /// <summary>Registers one activity.</summary>
    /// <inheritdoc cref="AddActivities(IServiceCollection, Assembly)"/>
    public static IServiceCollection AddActivity<TActivity>(this IServiceCollection services) where TActivity : Activity =>
        services.AddActivities([typeof(TActivity)]);

    private static IServiceCollection AddActivities(this IServiceCollection services, IEnumerable<Type> classes)
    {
        var known = services
            .Where(service => service.ServiceType == typeof(Registered))
            .Select(service => ((Registered)service.ImplementationInstance!).Class)
            .ToHashSet();
        foreach (var type in classes.Where(known.Add))
        {
            services.AddSingleton(new Registered(type));
            services.TryAddScoped(type);
        }
        // Made here already, so that a clash stops the start and not the first use.
        var registry = new ActivityRegistry(known);
        services.Replace(ServiceDescriptor.Singleton(registry));
        return services;
    }

    private sealed record Registered(Type Class);
}
