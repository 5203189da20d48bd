using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailFlow.Engine.Definitions;

/// <summary>
/// The variables that a definition and its flowcharts declare. An instance keeps them all in one map by name, so two of one name
/// share their value; the first declared gives the type.
/// </summary>
internal sealed class VariableScope
{
    private readonly Dictionary<string, VariableElement> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, VariableElement> _byId = new(StringComparer.Ordinal);

    public VariableScope(IEnumerable<VariableElement> variables)
    {
        foreach (var variable in variables)
        {
            _byId.TryAdd(variable.Id, variable);
            if (!_byName.TryAdd(variable.Name, variable)) Repeated.Add(variable.Name);
        }
    }

    public static VariableScope None { get; } = new([]);

    /// <summary>Names declared more than once.</summary>
    public HashSet<string> Repeated { get; } = [];

    /// <summary>The variables, each name once, in the order of their declaration.</summary>
    public IEnumerable<VariableElement> All => _byName.Values;

    /// <summary>
    /// The variable that an input names: by <c>{id, name}</c> or the same as JSON text, or by its bare name or id. Throws
    /// <see cref="InputException"/> where none is declared.
    /// </summary>
    public VariableReference Resolve(JsonNode? written)
    {
        var json = Written(written);
        var (id, name) = json is null ? (written.AsText(), written.AsText()) : (json.Text("id"), json.Text("name"));
        if (string.IsNullOrEmpty(id) && string.IsNullOrEmpty(name)) throw new InputException("missing_input", "does not say which variable");
        var found = (id is null ? null : _byId.GetValueOrDefault(id))
            ?? (name is null ? null : _byName.GetValueOrDefault(name) ?? _byName.Values.FirstOrDefault(each => each.Name.Equals(name, StringComparison.OrdinalIgnoreCase)));
        return found is null
            ? throw new InputException("unknown_variable", $"names the variable '{name ?? id}', which the workflow does not declare")
            : new VariableReference(found.Name, found.TypeName, found.IsArray);
    }

    /// <summary>The object that stands for a variable or input, given as JSON or as JSON text; null where it is a bare name.</summary>
    public static JsonObject? Written(JsonNode? value)
    {
        if (value is JsonObject json) return json;
        if (value.AsText() is not { } text || text.AsSpan().TrimStart() is not ['{', ..]) return null;
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
