using MailFlow.Engine.Definitions;

namespace MailFlow.Content.Razor;

/// <summary>
/// Makes a Razor component a template: <c>@attribute [Template("welcome", Subject = "Hi {{contact.first_name}}")]</c>.
/// The component takes <c>[Parameter] public EmailModel Model { get; set; }</c>.
/// </summary>
/// <param name="key">The template's key, in every account.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class TemplateAttribute(string key) : Attribute
{
    /// <summary>The template's key.</summary>
    public string Key { get; } = key;

    /// <summary>The subject, a Handlebars text.</summary>
    public required string Subject { get; init; }

    /// <summary>What it is for, where a send does not say.</summary>
    public MessageStream Stream { get; init; } = MessageStream.Marketing;
}
