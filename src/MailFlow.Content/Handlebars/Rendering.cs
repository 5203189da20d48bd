namespace MailFlow.Content.Handlebars;

/// <summary>
/// One rendering under way on this thread: what it found missing and how much it has done. A template belongs to a tenant,
/// so its loops and includes are counted: without that, three nested loops over a long list would hold a sender for hours.
/// </summary>
internal sealed class Rendering
{
    private const int MostSteps = 100_000, DeepestInclude = 16;

    [ThreadStatic]
    private static Rendering? _current;

    private IReadOnlyList<string> _names = [];
    private List<string>? _missing;
    private int _steps, _depth;

    public static Rendering? Current => _current;

    public IReadOnlyList<string> Missing => _missing ?? (IReadOnlyList<string>)[];

    public bool MetUnsafeLink { get; private set; }

    /// <summary>Renders one source after the other; steps and missing names add up.</summary>
    public void Run(IReadOnlyList<string> names, Action render)
    {
        var outer = _current;
        (_current, _names, _depth) = (this, names, 0);
        try
        {
            render();
        }
        finally
        {
            _current = outer;
        }
    }

    /// <summary>Notes the name with this number in the source under way.</summary>
    public void NoteMissing(int name) => NoteMissing(_names[name]);

    public void NoteMissing(string name)
    {
        _missing ??= [];
        if (!_missing.Contains(name)) _missing.Add(name);
    }

    public void NoteUnsafeLink() => MetUnsafeLink = true;

    /// <summary>Counts a turn of a loop.</summary>
    public void Step()
    {
        if (++_steps > MostSteps) throw new RenderException($"the template runs more than {MostSteps} steps: its loops are too long");
    }

    /// <summary>Counts an include and its depth.</summary>
    public void Enter(string key)
    {
        Step();
        if (++_depth > DeepestInclude) throw new RenderException($"includes are nested deeper than {DeepestInclude}: '{key}' includes itself");
    }

    public void Leave() => _depth--;
}
