namespace MailFlow.Engine.Activities;

/// <summary>Names an activity: the type that stands in workflow definitions, and what the designer shows.</summary>
/// <param name="type">The type name in definitions, such as <c>MailFlow.Wait</c>. Never change it once published.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ActivityAttribute(string type) : Attribute
{
    /// <summary>The type name in definitions.</summary>
    public string Type { get; } = type;

    /// <summary>What a marketer calls it; default: the last part of <see cref="Type"/>.</summary>
    public string? DisplayName { get; init; }

    /// <summary>One sentence a marketer understands.</summary>
    public string? Description { get; init; }

    /// <summary>The group it stands under in the designer's picker.</summary>
    public string Category { get; init; } = "Custom";

    /// <summary>The exit ports, by name.</summary>
    public string[] Outcomes { get; init; } = ["Done"];

    /// <summary>The input (a list of names, or of items with a <c>label</c> or <c>name</c>) whose values are further exit ports.</summary>
    public string? OutcomesFrom { get; init; }

    /// <summary>Nothing follows it: it has no exit ports.</summary>
    public bool Terminal { get; init; }

    /// <summary>Whether a contact may stay here for a while. Triggers and jobs always can; a loop needs an activity that can.</summary>
    public bool CanWait { get; init; }
}

/// <summary>Describes one input of an activity (a parameter of its input record) to the designer.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class InputAttribute(string? description = null) : Attribute
{
    /// <summary>One sentence a marketer understands, units included.</summary>
    public string? Description { get; } = description;

    /// <summary>What a marketer calls it; default: the parameter's name in words.</summary>
    public string? DisplayName { get; init; }

    /// <summary>The values to choose from, where these are fixed and the type is not an enum.</summary>
    public string[]? Choices { get; init; }

    /// <summary>Which of the account's own things to choose from: "templates", "segments", "event_types", "journeys", "time_zones", "purposes".</summary>
    public string? ChoicesFrom { get; init; }

    /// <summary>The designer's editor (Elsa Studio's <c>uiHint</c>), where the type's own does not fit: "multiline", "code-editor" …</summary>
    public string? Hint { get; init; }

    /// <summary>Stored bare in the definition, not wrapped in <c>{typeName, expression}</c> (as Elsa does for <c>cases</c> and <c>variable</c>). Both forms are read.</summary>
    public bool Bare { get; init; }
}
