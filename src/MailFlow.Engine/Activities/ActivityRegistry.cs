using System.Collections.Frozen;
using System.Reflection;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Activities;

/// <summary>Every activity this server knows, by the type name that stands in definitions. Immutable.</summary>
public sealed class ActivityRegistry
{
    private readonly FrozenDictionary<string, ActivityDescriptor> _byType;

    /// <summary>Describes these classes, and the flowchart, which is structure and no class.</summary>
    /// <exception cref="InvalidOperationException">A class is no activity or has no <see cref="ActivityAttribute"/>, or two have the same type name.</exception>
    public ActivityRegistry(IEnumerable<Type> classes)
    {
        var byType = new Dictionary<string, ActivityDescriptor>(StringComparer.Ordinal) { [Flowchart.Type] = Flowchart };
        foreach (var type in classes.Distinct())
        {
            var descriptor = ActivityDescription.Of(type);
            if (!byType.TryAdd(descriptor.Type, descriptor))
            {
                throw new InvalidOperationException(
                    $"Two activities are called '{descriptor.Type}': {byType[descriptor.Type].Class.FullName} and {type.FullName}.");
            }
        }
        _byType = byType.ToFrozenDictionary(StringComparer.Ordinal);
        All = [.. byType.Values.OrderBy(descriptor => descriptor.Type, StringComparer.Ordinal)];
    }

    /// <summary>Every descriptor, by type name.</summary>
    public IReadOnlyList<ActivityDescriptor> All { get; }

    /// <summary>The descriptor of a type, or null.</summary>
    public ActivityDescriptor? Find(string type) => _byType.GetValueOrDefault(type);

    /// <summary>The activities' classes in an assembly: every class that is not abstract and derives from one of the base classes.</summary>
    internal static IEnumerable<Type> ClassesOf(Assembly assembly) =>
        assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false, ContainsGenericParameters: false } && type.IsSubclassOf(typeof(Activity)));

    private static ActivityDescriptor Flowchart { get; } = new()
    {
        Type = ActivityElement.Flowchart,
        Class = typeof(Elsa.Flowchart),
        InputClass = typeof(Elsa.Flowchart),
        DisplayName = "Flowchart",
        Description = "A flowchart inside the flowchart.",
        Category = "Flow",
        Kind = ActivityKind.Action,
        Outcomes = ["Done"],
        IsContainer = true,
        Inputs = [],
    };
}
