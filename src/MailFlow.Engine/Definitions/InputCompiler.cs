using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>What is wrong with an input. The message follows the input's name.</summary>
internal sealed class InputException(string code, string message) : Exception(message)
{
    /// <summary>The finding's code.</summary>
    public string Code { get; } = code;
}

/// <summary>Makes what is written for an input into a value or what computes it, checked against the input's type.</summary>
internal sealed class InputCompiler(VariableScope variables)
{
    /// <summary>Compiles what a member says. Throws <see cref="InputException"/>.</summary>
    public BoundValue Compile(Type target, JsonNode? member) =>
        ExpressionElement.Read(member) is { } expression ? Compile(target, expression) : BoundValue.Absent;

    private BoundValue Compile(Type target, ExpressionElement expression)
    {
        target = Nullable.GetUnderlyingType(target) ?? target;
        if (target == typeof(VariableReference)) return BoundValue.Of(variables.Resolve(expression.Value));
        return expression.Type switch
        {
            ExpressionElement.Literal => Literal(target, expression.Value),
            ExpressionElement.Object => Json(target, expression.Value),
            ExpressionElement.Cel => Cel(target, expression.Value.AsText() ?? expression.Value?.ToJsonString() ?? ""),
            _ when target == typeof(Rule) && !expression.IsRefused =>
                throw new InputException("ill_typed_input", $"is a condition, which is written as CEL, not as {expression.Type}"),
            ExpressionElement.Handlebars => Template(target, expression.Value.AsText() ?? ""),
            ExpressionElement.Variable => Variable(target, variables.Resolve(expression.Value).Name),
            ExpressionElement.Input => WorkflowInput(target, expression.Value),
            _ when expression.IsRefused => throw new InputException(
                "refused_expression",
                $"is written in {expression.Type}, which MailFlow does not run. Use CEL for conditions and values, and Handlebars for text"),
            _ => throw new InputException("unknown_expression", $"is an expression of type '{expression.Type}', which MailFlow does not know"),
        };
    }

    private BoundValue Literal(Type target, JsonNode? value)
    {
        if (value.AsText() is not { } text) return Json(target, value);
        if (target == typeof(Rule)) return Cel(target, text);
        // The designer's editors for lists and maps write their JSON as text.
        if (!ElsaTypes.IsScalar(target) && text.AsSpan().TrimStart() is ['[' or '{', ..]) return Json(target, Parse(text));
        return Constant(target, text);
    }

    private BoundValue Json(Type target, JsonNode? value)
    {
        if (value.AsText() is { } text)
        {
            if (string.IsNullOrWhiteSpace(text)) return BoundValue.Absent;
            value = Parse(text);
        }
        if (value is JsonObject wrapper && DefinitionJson.Wrapped(wrapper) is { } wrapped) value = wrapped;
        if (ElsaTypes.ListItem(target) is { } item && Items(item, value) is { } list)
            return BoundValue.Composed([.. list.Select(each => Compile(item, each))], values => ValueConversion.ListOf(item, Checked(item, values)));
        if (value is JsonObject json)
        {
            if (ElsaTypes.MapValue(target) is { } member) return Map(member, json);
            if (!ElsaTypes.IsScalar(target) && ElsaTypes.ListItem(target) is null) return Record(target, json);
        }
        return value is JsonValue other && target == typeof(Rule) ? Cel(target, other.ToJsonString()) : Constant(target, Plain(value));
    }

    /// <summary>
    /// A list's items. Where these are records, each may be written short, as its first member alone (<c>["A", "B"]</c>), and all together as a map of
    /// the first member to the second (<c>{"A": 50, "B": 50}</c>).
    /// </summary>
    private static IEnumerable<JsonNode?>? Items(Type item, JsonNode? value)
    {
        if (ElsaTypes.IsScalar(item) || ElsaTypes.ListItem(item) is not null || ElsaTypes.MapValue(item) is not null) return value as JsonArray;
        var members = InputRecord.Of(item).Parameters.Select(parameter => ActivityDescription.CamelCase(parameter.Name!)).ToArray();
        return value switch
        {
            JsonArray list => list.Select(each => each is JsonValue ? new JsonObject { [members[0]] = each.DeepClone() } : each),
            JsonObject map when members.Length > 1 => map.Where(each => !DefinitionJson.IsMark(each.Key))
                .Select(each => new JsonObject { [members[0]] = each.Key, [members[1]] = each.Value?.DeepClone() }),
            _ => null,
        };
    }

    private BoundValue Map(Type member, JsonObject json)
    {
        var members = json.Where(each => !DefinitionJson.IsMark(each.Key)).ToArray();
        return BoundValue.Composed(
            [.. members.Select(each => Compile(member, each.Value))],
            values => ValueConversion.MapOf(member, members.Zip(values, (each, value) => KeyValuePair.Create(each.Key, value))));
    }

    private BoundValue Record(Type target, JsonObject json)
    {
        var record = InputRecord.Of(target);
        return BoundValue.Composed([.. record.Parameters.Select(parameter => Part(parameter, json))], record.Make);
    }

    private BoundValue Part(ParameterInfo parameter, JsonObject json)
    {
        var name = ActivityDescription.CamelCase(parameter.Name!);
        BoundValue part;
        try
        {
            part = Compile(parameter.ParameterType, json.Member(name));
        }
        catch (InputException error)
        {
            throw new InputException(error.Code, $"has a '{name}' that {error.Message}");
        }
        part = part.Or(InputRecord.DefaultOf(parameter));
        if (part is { IsConstant: true, Constant: null } && !parameter.HasDefaultValue && !ActivityDescription.MayBeNull(parameter))
            throw new InputException("missing_input", $"has an item without '{name}'");
        return NeverNull(parameter.ParameterType, part, name);
    }

    private static BoundValue Cel(Type target, string text)
    {
        if (string.IsNullOrWhiteSpace(text)) return BoundValue.Absent;
        var expression = Readable(() => CelExpression.Parse(text));
        var counts = expression.Requirements.EventCounts;
        if (target == typeof(Rule)) return BoundValue.Of(new Rule(text, expression), counts);
        return target == typeof(bool)
            ? BoundValue.Computed(scope => expression.Matches(scope), counts)
            : BoundValue.Computed(scope => ValueConversion.To(target, expression.Evaluate(scope)), counts);
    }

    private static BoundValue Template(Type target, string text)
    {
        var template = Readable(() => TextTemplate.Parse(text));
        return template.IsConstant
            ? Constant(target, template.Text)
            : BoundValue.Computed(scope => ValueConversion.To(target, template.Render(scope)));
    }

    private static T Readable<T>(Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (ExpressionException error)
        {
            throw new InputException("bad_expression", $"cannot be read: {error.Message}");
        }
    }

    private static BoundValue Variable(Type target, string name) => BoundValue.Computed(scope => ValueConversion.To(target, Named(scope, "variables", name)));

    private static BoundValue WorkflowInput(Type target, JsonNode? value)
    {
        var name = VariableScope.Written(value) is { } json ? json.Text("name") : value.AsText();
        if (string.IsNullOrEmpty(name)) throw new InputException("bad_expression", "does not say which of the workflow's inputs it takes");
        return BoundValue.Computed(scope => ValueConversion.To(target, Named(scope, "input", name) ?? Named(scope, "trigger", name)));
    }

    private static object? Named(IExpressionScope scope, string root, string name) =>
        (scope.Root(root) as IReadOnlyDictionary<string, object?>)?.GetValueOrDefault(name);

    private static BoundValue Constant(Type target, object? value)
    {
        try
        {
            return BoundValue.Of(ValueConversion.To(target, value));
        }
        catch (FormatException error)
        {
            throw new InputException("ill_typed_input", $"is not right: {error.Message}");
        }
    }

    private static object?[] Checked(Type item, object?[] values) =>
        item.IsValueType && Nullable.GetUnderlyingType(item) is null && Array.Exists(values, value => value is null)
            ? throw new FormatException("the list holds an empty item")
            : values;

    /// <summary>A value that an expression failed to give is false for a flag (rules are two-valued) and an error for any other value type.</summary>
    public static BoundValue NeverNull(Type type, BoundValue value, string name)
    {
        if (value.IsConstant || !type.IsValueType || Nullable.GetUnderlyingType(type) is not null) return value;
        return type == typeof(bool)
            ? value.Or(false)
            : BoundValue.Computed(scope => value.Evaluate(scope) ?? throw new FormatException($"'{name}' has no value"), value.Counts);
    }

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: DefinitionJson.Reading);
        }
        catch (JsonException error)
        {
            throw new InputException("ill_typed_input", $"is not JSON: {error.Message}");
        }
    }

    private static object? Plain(JsonNode? node) => node is null ? null : JsonData.Parse(node.ToJsonString(DefinitionJson.Compact));
}
