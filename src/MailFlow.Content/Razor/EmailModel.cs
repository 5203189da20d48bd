using System.Globalization;
using MailFlow.Content.Html;
using MailFlow.Data;
using MailFlow.Engine.Expressions;

namespace MailFlow.Content.Razor;

/// <summary>What a mail knows, for a Razor component to read.</summary>
public sealed class EmailModel
{
    private readonly IReadOnlyDictionary<string, object?> _model;
    private readonly EmailNotes _notes;

    internal EmailModel(IReadOnlyDictionary<string, object?> model, EmailNotes notes) => (_model, _notes) = (model, notes);

    /// <summary>The contact: built-in fields and attributes.</summary>
    public EmailValues Contact => Root("contact");

    /// <summary>The event that led to this mail; empty when none did.</summary>
    public EmailValues Event => Root("event");

    /// <summary>The event that started the journey.</summary>
    public EmailValues Trigger => Root("trigger");

    /// <summary>The journey.</summary>
    public EmailValues Journey => Root("journey");

    /// <summary>The sender: name, email, postal_address.</summary>
    public EmailValues Sender => Root("sender");

    /// <summary>The message: id.</summary>
    public EmailValues Message => Root("message");

    /// <summary>The link that leads to the page for unsubscribing; empty for mail that offers none.</summary>
    public string UnsubscribeUrl => _model.TryGetValue(TemplateVariables.UnsubscribeUrl, out var url) ? HandlebarsText.Show(url) : "";

    private EmailValues Root(string name) =>
        new(_model.TryGetValue(name, out var value) && value is IReadOnlyDictionary<string, object?> map ? map : JsonData.Empty, name, _notes);
}

/// <summary>Values by name, with their types asked for: a value that is missing or of another type is null (or empty text).</summary>
public sealed class EmailValues
{
    private readonly IReadOnlyDictionary<string, object?> _values;
    private readonly string _path;
    private readonly EmailNotes _notes;

    internal EmailValues(IReadOnlyDictionary<string, object?> values, string path, EmailNotes notes) => (_values, _path, _notes) = (values, path, notes);

    /// <summary>The value as it is: null, bool, long, double, string, an instant, a duration, a list or a map.</summary>
    public object? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>The value as text; what is missing is noted, like a variable of a Handlebars template, and shows as nothing.</summary>
    public string Text(string name)
    {
        var text = HandlebarsText.Show(this[name]);
        if (text.Length == 0) _notes.Missing($"{_path}.{name}");
        return text;
    }

    /// <summary>The value as text, or what to show when it is missing.</summary>
    public string Text(string name, string otherwise) => HandlebarsText.Show(this[name]) is { Length: > 0 } text ? text : otherwise;

    /// <summary>The value as a number.</summary>
    public decimal? Number(string name) => this[name] switch
    {
        long whole => whole,
        double real when Math.Abs(real) < 1e27 => (decimal)real,
        string text when decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    /// <summary>The value as an instant.</summary>
    public DateTimeOffset? Instant(string name) => this[name] switch
    {
        DateTimeOffset instant => instant,
        string text when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) => parsed,
        long ms and > -62_135_596_800_000 and < 253_402_300_800_000 => DateTimeOffset.FromUnixTimeMilliseconds(ms),
        _ => null,
    };

    /// <summary>The value as a link that a mail may hold: <c>#</c> for <c>javascript:</c> and its like.</summary>
    public string Link(string name)
    {
        var address = Text(name);
        if (LinkText.IsSafe(address)) return address;
        _notes.ReplacedUnsafeLink = true;
        return "#";
    }

    /// <summary>The map under a name; empty when there is none.</summary>
    public EmailValues Map(string name) => Of(this[name], $"{_path}.{name}");

    /// <summary>The maps of the list under a name; empty when there is none.</summary>
    public IEnumerable<EmailValues> List(string name) =>
        this[name] is IReadOnlyList<object?> list ? list.Select((item, index) => Of(item, $"{_path}.{name}.{index}")) : [];

    private EmailValues Of(object? value, string path) => new(value as IReadOnlyDictionary<string, object?> ?? JsonData.Empty, path, _notes);
}

/// <summary>What a component's rendering met.</summary>
internal sealed class EmailNotes(ICollection<string> missing)
{
    public bool ReplacedUnsafeLink { get; set; }

    public void Missing(string name)
    {
        if (!missing.Contains(name)) missing.Add(name);
    }
}
