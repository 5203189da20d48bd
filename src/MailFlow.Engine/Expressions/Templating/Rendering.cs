using System.Globalization;
using System.Text;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>
/// The bounds and warnings of one rendering. The library's iterators and formatters are shared by all renderings and given
/// no state of their own; a rendering never leaves its thread, so they find theirs there.
/// </summary>
internal sealed class Rendering : IDisposable
{
    /// <summary>Most rounds of loops and inclusions of partials: nested loops over a large event would otherwise never end.</summary>
    public const int MostSteps = 100_000;

    private const int DeepestInclude = 16;

    [ThreadStatic]
    private static Rendering? _current;

    private readonly Rendering? _outer;
    private readonly ICollection<string>? _missing;
    private readonly Dictionary<object, string> _paths = new(ReferenceEqualityComparer.Instance);
    private int _steps, _depth;

    private Rendering(Rendering? outer, ICollection<string>? missing) => (_outer, _missing) = (outer, missing);

    public BoundedWriter Writer { get; } = new();

    public static Rendering Begin(ICollection<string>? missing) => _current = new Rendering(_current, missing);

    public static void Step()
    {
        if (_current is { } rendering && ++rendering._steps > MostSteps)
            throw new RenderingLimitException($"the template loops more than {MostSteps} times");
    }

    /// <summary>Counts an inclusion. A failed rendering is thrown away whole, so a depth that is not taken back does no harm.</summary>
    public static void Enter(string key)
    {
        Step();
        if (_current is { } rendering && ++rendering._depth > DeepestInclude)
            throw new RenderingLimitException($"'{key}' is included in itself: inclusions are nested at most {DeepestInclude} deep");
    }

    public static void Leave()
    {
        if (_current is { } rendering) rendering._depth--;
    }

    public static void Missing(string name)
    {
        if (_current?._missing is { } missing && !missing.Contains(name)) missing.Add(name);
    }

    /// <summary>The name of a member, from the model down as far as the way to its map or list is known.</summary>
    public static string Path(object instance, string name) =>
        _current?._paths.TryGetValue(instance, out var path) == true ? $"{path}.{name}" : name;

    /// <summary>Remembers the way to a map or list, for the names of what is missing in it.</summary>
    public static void Found(object value, string path)
    {
        if (_current is { _missing: not null } rendering && value is not (string or ValueType)) rendering._paths.TryAdd(value, path);
    }

    public void Dispose() => _current = _outer;
}

/// <summary>A rendering went beyond a bound.</summary>
internal sealed class RenderingLimitException(string message) : Exception(message);

/// <summary>Collects text up to <see cref="HandlebarsText.LongestResult"/> characters.</summary>
internal sealed class BoundedWriter : TextWriter
{
    private readonly StringBuilder _text = new();

    public BoundedWriter() : base(CultureInfo.InvariantCulture) { }

    public override Encoding Encoding => Encoding.Unicode;

    public override void Write(char value)
    {
        Claim(1);
        _text.Append(value);
    }

    public override void Write(string? value)
    {
        Claim(value?.Length ?? 0);
        _text.Append(value);
    }

    public override void Write(char[] buffer, int index, int count)
    {
        Claim(count);
        _text.Append(buffer, index, count);
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        Claim(buffer.Length);
        _text.Append(buffer);
    }

    public override string ToString() => _text.ToString();

    private void Claim(int length)
    {
        if (_text.Length + length > HandlebarsText.LongestResult)
            throw new RenderingLimitException($"the text would be longer than {HandlebarsText.LongestResult} characters");
    }
}
