using System.Text.Json.Nodes;

namespace MailFlow.Engine.Definitions;

/// <summary>An input's value as it is written: an expression's type and its text or JSON.</summary>
internal sealed record ExpressionElement(string Type, JsonNode? Value)
{
    public const string Literal = "Literal";
    public const string Object = "Object";
    public const string Variable = "Variable";
    public const string Input = "Input";
    public const string Handlebars = "Handlebars";
    public const string Cel = "CEL";
    public const string Delegate = "Delegate";

    private static readonly string[] Known = [Literal, Object, Variable, Input, Handlebars, Cel];

    /// <summary>Languages that run code: refused by name, wherever they stand.</summary>
    private static readonly string[] Code = ["JavaScript", "CSharp", "Liquid", "Python", "Razor", Delegate];

    /// <summary>Whether it is a language we refuse.</summary>
    public bool IsRefused => Code.Contains(Type);

    /// <summary>
    /// Reads a member: <c>{typeName, expression: {type, value}}</c>, a bare <c>{type, value}</c>, or a bare value. Null where the
    /// member is missing or gives nothing.
    /// </summary>
    public static ExpressionElement? Read(JsonNode? member)
    {
        switch (member)
        {
            case null:
                return null;
            case JsonObject json when json.MemberName("expression") is { } written:
                return json[written] is JsonObject inner ? Given(inner) : null;
            case JsonObject json when IsBareExpression(json):
                return Given(json);
            case JsonObject json when DefinitionJson.Wrapped(json) is { } list:
                return new ExpressionElement(Object, list);
            case JsonObject json when json.MemberName("typeName") is not null && json.MemberName("memoryReference") is not null:
                return null;
            case JsonObject or JsonArray:
                return new ExpressionElement(Object, member);
            default:
                return new ExpressionElement(Literal, member);
        }
    }

    /// <summary>Every expression in a member that is written in a language we refuse, however deep.</summary>
    public static IEnumerable<ExpressionElement> RefusedIn(JsonNode? node) => node switch
    {
        JsonObject json when Read(json) is { IsRefused: true, Value: not null } refused => [refused],
        JsonObject json => json.SelectMany(member => RefusedIn(member.Value)),
        JsonArray list => list.SelectMany(RefusedIn),
        _ => [],
    };

    private static ExpressionElement? Given(JsonObject json)
    {
        var type = Canonical(json.Text("type") ?? Literal);
        var value = json.Member("value");
        // An exported code-first workflow has lost its delegates: they are as good as not given.
        return value is null ? null : new ExpressionElement(type, value);
    }

    /// <summary>Only members of an expression and a type that is one: anything else is data that happens to have a type.</summary>
    private static bool IsBareExpression(JsonObject json) =>
        json.Text("type") is { } type
        && json.All(member => DefinitionJson.IsMark(member.Key)
            || member.Key.Equals("type", StringComparison.OrdinalIgnoreCase) || member.Key.Equals("value", StringComparison.OrdinalIgnoreCase))
        && (Known.Contains(Canonical(type)) || Code.Contains(Canonical(type)));

    private static string Canonical(string type)
    {
        if (type.Equals("Json", StringComparison.OrdinalIgnoreCase)) return Object;
        if (type.Equals("C#", StringComparison.OrdinalIgnoreCase)) return "CSharp";
        return Known.Concat(Code).FirstOrDefault(known => known.Equals(type, StringComparison.OrdinalIgnoreCase)) ?? type;
    }
}
