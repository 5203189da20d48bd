using System.Globalization;
using HandlebarsDotNet;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>Handlebars with everything shut that reads files or objects.</summary>
internal static class TemplateEnvironment
{
    /// <summary>The name under which the library knows a partial: it takes names that differ only in capitals for the same now and then.</summary>
    public static string PartialName(int number) => "mf_partial" + number;

    public static IHandlebars Create(
        bool html, IReadOnlyList<string> partials, IReadOnlyDictionary<string, HandlebarsTemplate<TextWriter, object, object>> compiled,
        IReadOnlyDictionary<string, Func<object?, string>>? helpers)
    {
        var configuration = new HandlebarsConfiguration
        {
            NoEscape = !html,
            TextEncoder = HtmlEscape.Instance,
            FormatProvider = CultureInfo.InvariantCulture,
            PartialTemplateResolver = new NoOthers(),
            PartialRecursionDepthLimit = short.MaxValue,
            FileSystem = null,
        };
        configuration.ObjectDescriptorProviders.Add(new PlainValues());
        configuration.FormatterProviders.Add(new PlainFormat());
        // Looked up when used: partials include one another in any order.
        foreach (var (number, name) in partials.Index())
            configuration.RegisteredTemplates[PartialName(number)] = (writer, context, data) =>
            {
                Rendering.Enter(name);
                compiled[name](writer, context, data);
                Rendering.Leave();
            };
        var handlebars = HandlebarsDotNet.Handlebars.Create(configuration);
        foreach (var (name, helper) in TemplateHelpers.All) handlebars.RegisterHelper(name, helper);
        foreach (var (name, helper) in helpers ?? new Dictionary<string, Func<object?, string>>())
            handlebars.RegisterHelper(name, (_, arguments) =>
                arguments.Length > 0 && arguments[0] is { } value and not UndefinedBindingResult ? helper(value) : arguments.Length > 0 ? arguments[0] : null);
        return handlebars;
    }

    private sealed class NoOthers : IPartialTemplateResolver
    {
        public bool TryRegisterPartial(IHandlebars env, string? partialName, string? templatePath) => false;
    }
}
