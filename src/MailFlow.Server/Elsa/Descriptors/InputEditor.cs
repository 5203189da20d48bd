using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Server.Elsa.Descriptors;

/// <summary>One input as Studio's form shows it: which editor, what it offers, how it explains itself.</summary>
internal static class InputEditor
{
    private const string DurationHint = "For example P3D or 3.00:00:00 for 3 days, PT30M for half an hour.";
    private const string EventHint = "Not in the list yet? Send one such event, or choose Handlebars at the right and type its name.";
    private const string ListHint = "Press Enter after each.";

    private static readonly Dictionary<string, string> Weekdays = new(StringComparer.OrdinalIgnoreCase)
    {
        ["mon"] = "Monday",
        ["tue"] = "Tuesday",
        ["wed"] = "Wednesday",
        ["thu"] = "Thursday",
        ["fri"] = "Friday",
        ["sat"] = "Saturday",
        ["sun"] = "Sunday",
    };

    /// <summary>The descriptor of an input.</summary>
    /// <param name="input">The input.</param>
    /// <param name="name">Its name in Studio, in PascalCase.</param>
    /// <param name="order">Its place in the form.</param>
    /// <param name="choices">What the account offers, where the input chooses from that; null elsewhere.</param>
    public static JsonObject Describe(InputDescriptor input, string name, int order, JsonArray? choices)
    {
        var hint = Hint(input);
        var defaultValue = Default(input.Default);
        return Members(name, input.DisplayName, Description(input, hint), input.TypeName, hint, Specifications(input, hint, choices), defaultValue,
            Syntax(hint), order, isWrapped: !input.Bare);
    }

    /// <summary>All members of an input's descriptor that Studio reads.</summary>
    public static JsonObject Members(
        string name, string displayName, string? description, string typeName, string hint, JsonObject? specifications, JsonNode? defaultValue, string syntax, int order,
        bool isWrapped = true, bool isBrowsable = true, bool isReadOnly = false) => new()
        {
            ["name"] = name,
            ["displayName"] = displayName,
            ["description"] = description,
            ["typeName"] = typeName,
            ["isWrapped"] = isWrapped,
            ["uiHint"] = hint,
            ["uiSpecifications"] = specifications,
            ["defaultValue"] = defaultValue,
            ["defaultSyntax"] = syntax,
            ["category"] = null,
            ["order"] = order,
            ["isBrowsable"] = isBrowsable,
            ["isReadOnly"] = isReadOnly,
            ["isSensitive"] = false,
            ["isSynthetic"] = false,
            ["isSerializable"] = true,
            ["autoEvaluate"] = true,
            ["storageDriverType"] = null,
        };

    /// <summary>The list that a dropdown or checklist offers, as <c>uiSpecifications</c>.</summary>
    /// <param name="input">The input.</param>
    /// <param name="choices">What the account offers, where the input chooses from that.</param>
    public static JsonObject? Specifications(InputDescriptor input, JsonArray? choices) => Specifications(input, Hint(input), choices);

    private static JsonObject? Specifications(InputDescriptor input, string hint, JsonArray? choices)
    {
        var items = choices is not null ? (JsonArray)choices.DeepClone()
            : new JsonArray([.. (input.Choices ?? []).Select(value => (JsonNode)Choices.Item(Words(value), value))]);
        switch (hint)
        {
            case "dropdown":
                // Emptied again, an input that need not be given falls back to its default.
                if (!input.Required && input.Default is null) items.Insert(0, Choices.Item("–", ""));
                var list = new JsonObject { ["items"] = items, ["isFlagsEnum"] = false, ["sortItems"] = choices is not null };
                var specifications = new JsonObject { ["dropdown"] = new JsonObject { ["selectList"] = list, ["providerName"] = null } };
                if (choices is not null) specifications["Refresh"] = true;
                return specifications;
            case "checklist":
                foreach (var item in items) item!["isChecked"] = false;
                return new JsonObject { ["checklist"] = new JsonObject { ["checkList"] = new JsonObject { ["items"] = items, ["isFlagsEnum"] = false } } };
            default:
                return null;
        }
    }

    /// <summary>Whether its editor is that of expressions.</summary>
    public static bool IsExpression(InputDescriptor input) => Hint(input) == "expression-editor";

    private static string Hint(InputDescriptor input) =>
        input.Type == typeof(Rule) ? "expression-editor"
        : input.ChoicesFrom is not null && input.Hint == "singleline" ? "dropdown"
        : input.Hint;

    /// <summary>The language that an editor begins in.</summary>
    private static string Syntax(string hint) => hint switch
    {
        "expression-editor" => "CEL",
        "checklist" or "multitext" or "dictionary" or "json-editor" or "dynamic-outcomes" => "Object",
        _ => "Literal",
    };

    private static string? Description(InputDescriptor input, string hint)
    {
        var isDuration = (Nullable.GetUnderlyingType(input.Type) ?? input.Type) == typeof(TimeSpan);
        var more = isDuration && input.Description?.Contains("P3D", StringComparison.Ordinal) != true ? DurationHint
            : input.ChoicesFrom == "event_types" ? EventHint
            : hint is "multitext" or "dynamic-outcomes" ? ListHint
            : null;
        return string.Join(' ', new[] { input.Description, more }.OfType<string>()) is { Length: > 0 } text ? text : null;
    }

    private static JsonNode? Default(object? value) => value switch
    {
        null => null,
        bool flag => flag,
        TimeSpan span => DurationText.Format(span),
        int or long or double or decimal => JsonValue.Create(Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture)),
        Enum name => name.ToString(),
        _ => value.ToString(),
    };

    /// <summary>"WaitAllActive" as "Wait all active".</summary>
    private static string Words(string value)
    {
        if (Weekdays.TryGetValue(value, out var day)) return day;
        if (value.All(char.IsUpper)) return value;
        var words = string.Concat(value.Select((letter, index) => char.IsUpper(letter) && index > 0 ? $" {char.ToLowerInvariant(letter)}" : letter == '_' ? " " : letter.ToString()));
        return char.ToUpperInvariant(words[0]) + words[1..];
    }
}
