using System.Globalization;
using HandlebarsDotNet;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>Handlebars with everything shut that reads files or objects.</summary>
internal static class TemplateEnvironment
{
    public static IHandlebars Create(
        bool html, IEnumerable<string> partials, IReadOnlyDictionary<string, HandlebarsTemplate<TextWriter, object, object>> compiled)
    {
        var configuration = new HandlebarsConfiguration
        {
            NoEscape = !html,
            FormatProvider = CultureInfo.InvariantCulture,
            PartialTemplateResolver = new NoOthers(),
            PartialRecursionDepthLimit = 32,
            FileSystem = null,
        };
        configuration.ObjectDescriptorProviders.Add(new PlainValues());
        configuration.FormatterProviders.Add(new PlainFormat());
        // Looked up when used: partials include one another in any order.
        foreach (var name in partials)
            configuration.RegisteredTemplates[name] = (writer, context, data) =>
            {
                Rendering.Step();
                compiled[name](writer, context, data);
            };
        var handlebars = HandlebarsDotNet.Handlebars.Create(configuration);
        foreach (var (name, helper) in TemplateHelpers.All) handlebars.RegisterHelper(name, helper);
        return handlebars;
    }

    private sealed class NoOthers : IPartialTemplateResolver
    {
        public bool TryRegisterPartial(IHandlebars env, string? partialName, string? templatePath) => false;
    }
}
