namespace MailFlow.Engine.Activities;

/// <summary>CLR types and the aliases Elsa writes for them.</summary>
internal static class ElsaTypes
{
    private static readonly Dictionary<Type, string> Aliases = new()
    {
        [typeof(string)] = "String",
        [typeof(bool)] = "Boolean",
        [typeof(int)] = "Int32",
        [typeof(long)] = "Int64",
        [typeof(double)] = "Double",
        [typeof(decimal)] = "Decimal",
        [typeof(TimeSpan)] = "TimeSpan",
        [typeof(DateTimeOffset)] = "DateTimeOffset",
        [typeof(Guid)] = "Guid",
        [typeof(Rule)] = "String",
        [typeof(object)] = "Object",
    };

    /// <summary>The alias; an enum is text to the designer, and what has no alias is an object.</summary>
    public static string AliasOf(Type type) =>
        type.IsEnum ? "String"
        : ListItem(type) is { } item ? $"ICollection<{AliasOf(item)}>"
        : Aliases.GetValueOrDefault(type, "Object");

    public static bool IsScalar(Type type) => type.IsEnum || Aliases.ContainsKey(type);

    /// <summary>The type of the items of a list; null when it is none.</summary>
    public static Type? ListItem(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() is var open
            && (open == typeof(IReadOnlyList<>) || open == typeof(IReadOnlyCollection<>) || open == typeof(IEnumerable<>) || open == typeof(List<>))
            ? type.GenericTypeArguments[0]
            : null;

    /// <summary>The type of the values of a map by text; null when it is none.</summary>
    public static Type? MapValue(Type type) =>
        type.IsGenericType && type.GenericTypeArguments is [var key, var value] && key == typeof(string)
            && (type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) || type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
            ? value
            : null;
}
