using System.Text.Json.Serialization;
using MailFlow.Engine.Definitions;

namespace MailFlow.Content;

/// <summary>A template as its author writes it, in Handlebars.</summary>
/// <param name="Subject">One line, without HTML escaping. May be empty only for a layout (whose HTML holds <c>{{{body}}}</c>).</param>
/// <param name="Html">The HTML part. Values are escaped unless they stand in three braces.</param>
/// <param name="Text">The plain text part, without escaping; null derives it from the HTML.</param>
/// <param name="Layout">The key of the template whose <c>{{{body}}}</c> this one fills; null for none.</param>
/// <param name="Stream">What it is for, where a send does not say.</param>
/// <param name="Design">What the visual editor needs to open it again: JSON of its own, never rendered; null for a template written by hand.</param>
public sealed record TemplateSource(
    string Subject, string Html, string? Text = null, string? Layout = null, MessageStream Stream = MessageStream.Marketing, string? Design = null);

/// <summary>One version of a template. A version never changes.</summary>
/// <param name="Key">Its key in the account.</param>
/// <param name="Version">From 1.</param>
/// <param name="Source">What was put.</param>
/// <param name="CreatedAt">When.</param>
public sealed record TemplateVersion(string Key, int Version, TemplateSource Source, DateTimeOffset CreatedAt)
{
    /// <summary>What its author should look at, such as a misspelt variable: <c>html: 'contat.first_name' is no variable …</c>. Only a put gives these.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether the put made it: false when the latest version was already the same.</summary>
    public bool IsNew { get; init; }

    /// <summary>Whether it is an engineer's Razor component, which has one version and no source here but its subject.</summary>
    public bool IsRazor { get; init; }
}

/// <summary>A template in a list.</summary>
/// <param name="Key">Its key in the account.</param>
/// <param name="Version">The latest.</param>
/// <param name="Subject">The latest version's.</param>
/// <param name="Layout">The latest version's.</param>
/// <param name="Stream">The latest version's.</param>
/// <param name="UpdatedAt">When the latest version was put; null for a Razor component.</param>
/// <param name="IsRazor">Whether it is an engineer's Razor component.</param>
public sealed record TemplateSummary(string Key, int Version, string Subject, string? Layout, MessageStream Stream, DateTimeOffset? UpdatedAt, bool IsRazor)
{
    /// <summary>Whether it is a frame for others (<see cref="Templates.LayoutsAmongAsync"/>), and no mail of its own.</summary>
    [JsonIgnore]
    public bool IsLayout { get; init; }
}

/// <summary>A version in a list.</summary>
/// <param name="Version">From 1.</param>
/// <param name="Subject">Its subject.</param>
/// <param name="CreatedAt">When it was put; null for a Razor component.</param>
public sealed record TemplateVersionSummary(int Version, string Subject, DateTimeOffset? CreatedAt);
