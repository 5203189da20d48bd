using MailFlow.Engine.Expressions;

namespace MailFlow.Audience;

/// <summary>Gathers the names, types and some values of fields from data that was seen.</summary>
internal sealed class FieldSample
{
    private const int MostFields = 200, MostExamples = 5, LongestExample = 60, Deepest = 3;

    private readonly Dictionary<string, Seen> _fields = [];

    /// <summary>A field there always is, whether or not it was seen.</summary>
    public void Declare(string name, string type) => _fields[name] = new Seen { Declared = type };

    /// <summary>Adds the members of an object; those of an object within it as <c>outer.inner</c>.</summary>
    public void AddMembers(IEnumerable<KeyValuePair<string, object?>> members, string prefix = "", int depth = 1)
    {
        foreach (var (name, value) in members)
        {
            // What is no name in a rule needs another spelling there than dots: it is left to those who write rules by hand.
            if (value is null || name.Length == 0 || name.Any(character => !char.IsAsciiLetterOrDigit(character) && character != '_')) continue;
            var path = prefix + name;
            if (value is IReadOnlyDictionary<string, object?> inner && depth < Deepest) AddMembers(inner, path + ".", depth + 1);
            else Add(path, value);
        }
    }

    /// <summary>The declared fields in their order, then the others by name.</summary>
    public IReadOnlyList<KnownField> Fields() =>
    [
        .. _fields.Where(field => field.Value.Declared is not null).Select(Show),
        .. _fields.Where(field => field.Value.Declared is null).OrderBy(field => field.Key, StringComparer.Ordinal).Select(Show),
    ];

    private static KnownField Show(KeyValuePair<string, Seen> field) => new(field.Key, field.Value.Declared ?? field.Value.Types.MaxBy(type => type.Value).Key, field.Value.Examples);

    private void Add(string path, object value)
    {
        if (!_fields.TryGetValue(path, out var seen))
        {
            if (_fields.Count >= MostFields) return;
            _fields[path] = seen = new Seen();
        }
        var type = TypeOf(value);
        seen.Types[type] = seen.Types.GetValueOrDefault(type) + 1;
        if (seen.Examples.Count < MostExamples && value is string { Length: > 0 and <= LongestExample } or bool or long or double or DateTimeOffset && !seen.Examples.Contains(value))
            seen.Examples.Add(value);
    }

    private static string TypeOf(object value) => value switch
    {
        bool => "boolean",
        long or double => "number",
        DateTimeOffset => "instant",
        string text => TimestampText.TryParse(text, out _) ? "instant" : "text",
        IReadOnlyDictionary<string, object?> => "object",
        _ => "list",
    };

    private sealed class Seen
    {
        public string? Declared { get; init; }

        public Dictionary<string, int> Types { get; } = [];

        public List<object> Examples { get; } = [];
    }
}
