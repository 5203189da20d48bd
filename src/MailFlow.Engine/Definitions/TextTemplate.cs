using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>A text input with values put in, which are named as in CEL.</summary>
internal sealed class TextTemplate
{
    private readonly HandlebarsText? _template;
    private readonly string[] _roots;

    private TextTemplate(string text)
    {
        Text = text;
        if (text.Contains("{{", StringComparison.Ordinal)) _template = HandlebarsText.Compile(text, html: false);
        _roots = [.. ExpressionRoots.Default.Where(root => text.Contains(root, StringComparison.Ordinal))];
    }

    public string Text { get; }

    public bool IsConstant => _template is null;

    /// <summary>Compiles a text. Throws <see cref="ExpressionException"/>.</summary>
    public static TextTemplate Parse(string text) => new(text);

    public string Render(IExpressionScope scope) =>
        _template is null ? Text : _template.Render(_roots.ToDictionary(root => root, root => root == "now" ? scope.Now : scope.Root(root)));
}
