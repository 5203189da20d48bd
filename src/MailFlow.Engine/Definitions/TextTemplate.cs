using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>A text input with values put in: the one place where inputs meet Handlebars.</summary>
internal sealed class TextTemplate
{
    private readonly Func<IExpressionScope, string>? _render;

    private TextTemplate(string text, Func<IExpressionScope, string>? render = null) => (Text, _render) = (text, render);

    public string Text { get; }

    public bool IsConstant => _render is null;

    public static TextTemplate Parse(string text) => text.Contains("{{", StringComparison.Ordinal)
        ? throw new InputException("unknown_expression", "holds {{…}}, which this build cannot fill in")
        : new TextTemplate(text);

    public string Render(IExpressionScope scope) => _render is { } render ? render(scope) : Text;
}
