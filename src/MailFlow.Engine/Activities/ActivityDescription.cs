using System.Reflection;
using System.Text.RegularExpressions;

namespace MailFlow.Engine.Activities;

/// <summary>Derives a descriptor from an activity's class, its attribute and its input record.</summary>
internal static partial class ActivityDescription
{
    /// <summary>Members every activity has in a definition. "name" may be an input's too: then the member holds its expression.</summary>
    private static readonly string[] Reserved = ["id", "nodeId", "type", "version", "customProperties", "metadata"];

    private static readonly NullabilityInfoContext Nullability = new();

    public static ActivityDescriptor Of(Type type)
    {
        var attribute = type.GetCustomAttribute<ActivityAttribute>()
            ?? throw new InvalidOperationException($"{type.FullName} has no [Activity] with the type name that definitions use.");
        var (kind, input) = Base(type);
        var trigger = TriggerReader.For(type, input);
        var inputs = InputRecord.Of(input).Parameters.Select(Describe).ToList();
        if (inputs.Find(described => Reserved.Contains(described.Name, StringComparer.OrdinalIgnoreCase)) is { } taken)
            throw new InvalidOperationException($"{type.FullName} has an input called '{taken.Name}', which every activity has as a member of its own.");
        var outcomesFrom = attribute.OutcomesFrom is { } name ? CamelCase(name) : null;
        if (outcomesFrom is not null && inputs.TrueForAll(described => described.Name != outcomesFrom))
            throw new InvalidOperationException($"{type.FullName}: OutcomesFrom names '{outcomesFrom}', which is no input.");
        return new ActivityDescriptor
        {
            Type = attribute.Type,
            Class = type,
            InputClass = input,
            DisplayName = attribute.DisplayName ?? InWords(attribute.Type[(attribute.Type.LastIndexOf('.') + 1)..]),
            Description = attribute.Description ?? "",
            Category = attribute.Category,
            Kind = trigger is null ? kind : ActivityKind.Trigger,
            // With outcomes from an input, "Done" is an exit only if the attribute says so.
            Outcomes = attribute.Terminal || (outcomesFrom is not null && attribute.Outcomes is ["Done"]) ? [] : attribute.Outcomes,
            OutcomesFrom = outcomesFrom,
            Terminal = attribute.Terminal,
            CanWait = attribute.CanWait || trigger is not null || kind == ActivityKind.Job,
            Inputs = inputs,
            Trigger = trigger,
        };
    }

    /// <summary>"sendAt" as "Send at".</summary>
    public static string InWords(string name)
    {
        var words = WordStart().Replace(name, match =>
        {
            // A letter with another capital after it begins an abbreviation, which keeps its capitals.
            var isWord = match.Index + 1 == name.Length || !char.IsUpper(name[match.Index + 1]);
            return $" {(isWord ? match.Value.ToLowerInvariant() : match.Value)}";
        }).TrimStart();
        return words.Length == 0 ? words : char.ToUpperInvariant(words[0]) + words[1..];
    }

    public static string CamelCase(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    /// <summary>How values are written in definitions: "EveryTime" as "every_time" is read too, but the name itself is written.</summary>
    private static InputDescriptor Describe(ParameterInfo parameter)
    {
        var attribute = parameter.GetCustomAttribute<InputAttribute>() ?? new InputAttribute();
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        var item = ElsaTypes.ListItem(type);
        var choices = attribute.Choices ?? ((item ?? type).IsEnum ? Enum.GetNames(item ?? type) : null);
        return new InputDescriptor
        {
            Name = CamelCase(parameter.Name!),
            DisplayName = attribute.DisplayName ?? InWords(parameter.Name!),
            Description = attribute.Description,
            Type = parameter.ParameterType,
            TypeName = ElsaTypes.AliasOf(type),
            Required = !parameter.HasDefaultValue && !MayBeNull(parameter),
            Default = InputRecord.DefaultOf(parameter),
            Choices = choices,
            ChoicesFrom = attribute.ChoicesFrom,
            Hint = attribute.Hint ?? Hint(type, item, choices is not null || attribute.ChoicesFrom is not null),
            Bare = attribute.Bare,
        };
    }

    public static bool MayBeNull(ParameterInfo parameter)
    {
        if (parameter.ParameterType.IsValueType) return Nullable.GetUnderlyingType(parameter.ParameterType) is not null;
        lock (Nullability) return Nullability.Create(parameter).WriteState == NullabilityState.Nullable;
    }

    private static string Hint(Type type, Type? item, bool choice)
    {
        if (item is not null) return choice ? "checklist" : item == typeof(string) ? "multitext" : "json-editor";
        if (choice) return "dropdown";
        if (type == typeof(bool)) return "checkbox";
        if (type == typeof(DateTimeOffset)) return "datetime-picker";
        if (ElsaTypes.MapValue(type) is not null) return "dictionary";
        return ElsaTypes.IsScalar(type) ? "singleline" : "json-editor";
    }

    private static (ActivityKind Kind, Type Input) Base(Type type)
    {
        for (var at = type.BaseType; at is not null; at = at.BaseType)
        {
            if (!at.IsGenericType) continue;
            var definition = at.GetGenericTypeDefinition();
            if (definition == typeof(JobActivity<>)) return (ActivityKind.Job, at.GenericTypeArguments[0]);
            if (definition == typeof(Activity<>) || definition == typeof(BatchActivity<>)) return (ActivityKind.Action, at.GenericTypeArguments[0]);
        }
        throw new InvalidOperationException($"{type.FullName} derives from none of the activities' base classes.");
    }

    // Before an upper-case letter that begins a word: not inside "URL".
    [GeneratedRegex("(?<=[a-z0-9])[A-Z]|(?<=[A-Z])[A-Z](?=[a-z])")]
    private static partial Regex WordStart();
}
