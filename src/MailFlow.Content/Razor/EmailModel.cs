using MailFlow.Content.Handlebars;
using MailFlow.Data;

namespace MailFlow.Content.Razor;

/// <summary>What a mail knows, for a Razor component to read.</summary>
public sealed class EmailModel
{
    private readonly IReadOnlyDictionary<string, object?> _model;
    private readonly List<string> _missing = [];

    internal EmailModel(IReadOnlyDictionary<string, object?> model) => _model = model;

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
    public string UnsubscribeUrl => _model.TryGetValue(TemplateVariables.UnsubscribeUrl, out var url) ? TemplateHelpers.Text(url) : "";

    internal IReadOnlyList<string> Missing => _missing;

    private EmailValues Root(string name) =>
        new(_model.TryGetValue(name, out var value) && value is IReadOnlyDictionary<string, object?> map ? map : JsonData.Empty, name, _missing);
}

/// <summary>Values by name, with their types asked for: a value that is missing or of another type is null (or empty text).</summary>
public sealed class EmailValues
{
    private readonly IReadOnlyDictionary<string, object?> _values;
    private readonly string _path;
    private readonly List<string> _missing;

    internal EmailValues(IReadOnlyDictionary<string, object?> values, string path, List<string> missing) => (_values, _path, _missing) = (values, path, missing);

    /// <summary>The value as it is: null, bool, long, double, string, an instant, a duration, a list or a map.</summary>
    public object? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>The value as text; what is missing is noted, like a variable of a Handlebars template, and shows as nothing.</summary>
    public string Text(string name)
    {
        var text = TemplateHelpers.Text(this[name]);
        if (text.Length == 0 && !_missing.Contains($"{_path}.{name}")) _missing.Add($"{_path}.{name}");
        return text;
    }

    /// <summary>The value as text, or what to show when it is missing.</summary>
    public string Text(string name, string otherwise) => TemplateHelpers.Text(this[name]) is { Length: > 0 } text ? text : otherwise;

    /// <summary>The value as a number.</summary>
    public decimal? Number(string name) => CurrencyText.TryNumber(this[name], out var number) ? number : null;

    /// <summary>The value as an instant.</summary>
    public DateTimeOffset? Instant(string name) => TemplateHelpers.Instant(this[name]);

    /// <summary>The value as a link that a mail may hold: <c>#</c> for <c>javascript:</c> and its like.</summary>
    public string Link(string name) => LinkText.Safe(Text(name));

    /// <summary>The map under a name; empty when there is none.</summary>
    public EmailValues Map(string name) => Of(this[name], $"{_path}.{name}");

    /// <summary>The maps of the list under a name; empty when there is none.</summary>
    public IEnumerable<EmailValues> List(string name) =>
        this[name] is IReadOnlyList<object?> list ? list.Select((item, index) => Of(item, $"{_path}.{name}.{index}")) : [];

    private EmailValues Of(object? value, string path) => new(value as IReadOnlyDictionary<string, object?> ?? JsonData.Empty, path, _missing);
}
