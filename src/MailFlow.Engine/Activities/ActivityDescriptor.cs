namespace MailFlow.Engine.Activities;

/// <summary>Which of the base classes an activity derives from, and whether it can start instances.</summary>
public enum ActivityKind
{
    /// <summary>Decides in the batch.</summary>
    Action,

    /// <summary>Decides in the batch and can start instances (<see cref="IEventTrigger{TInput}"/>, <see cref="IScheduleTrigger{TInput}"/>).</summary>
    Trigger,

    /// <summary>Works after the commit.</summary>
    Job,
}

/// <summary>All that is known of an activity's type: derived from the class, its attribute and its input record.</summary>
public sealed record ActivityDescriptor
{
    /// <summary>The type name in definitions.</summary>
    public required string Type { get; init; }

    /// <summary>The class.</summary>
    public required Type Class { get; init; }

    /// <summary>The input record.</summary>
    public required Type InputClass { get; init; }

    /// <summary>What a marketer calls it.</summary>
    public required string DisplayName { get; init; }

    /// <summary>One sentence on what it does.</summary>
    public required string Description { get; init; }

    /// <summary>The group in the designer's picker.</summary>
    public required string Category { get; init; }

    /// <summary>What kind of activity it is.</summary>
    public required ActivityKind Kind { get; init; }

    /// <summary>The fixed exit ports.</summary>
    public required IReadOnlyList<string> Outcomes { get; init; }

    /// <summary>The input (camelCase) whose values are further exit ports, or null.</summary>
    public string? OutcomesFrom { get; init; }

    /// <summary>Whether nothing can follow.</summary>
    public bool Terminal { get; init; }

    /// <summary>Whether a contact may stay at it for a while.</summary>
    public bool CanWait { get; init; }

    /// <summary>Whether it is structure that holds other activities (a nested flowchart); the engine walks into it instead of running <see cref="Class"/>.</summary>
    public bool IsContainer { get; init; }

    /// <summary>Its inputs in the record's order.</summary>
    public required IReadOnlyList<InputDescriptor> Inputs { get; init; }

    /// <summary>The input with this name, in whatever case; null when there is none.</summary>
    public InputDescriptor? Input(string name) =>
        Inputs.FirstOrDefault(input => string.Equals(input.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Of a trigger: reads what it starts by; null otherwise.</summary>
    internal TriggerReader? Trigger { get; init; }
}

/// <summary>One input of an activity.</summary>
public sealed record InputDescriptor
{
    /// <summary>The member in the definition: camelCase.</summary>
    public required string Name { get; init; }

    /// <summary>What a marketer calls it.</summary>
    public required string DisplayName { get; init; }

    /// <summary>One sentence, units included.</summary>
    public string? Description { get; init; }

    /// <summary>The CLR type of the record's parameter.</summary>
    public required Type Type { get; init; }

    /// <summary>The type's alias in Elsa's definitions: String, Boolean, Int32, Int64, Double, TimeSpan, DateTimeOffset, Object …</summary>
    public required string TypeName { get; init; }

    /// <summary>Whether the definition must give it: the record's parameter has no default and cannot be null.</summary>
    public required bool Required { get; init; }

    /// <summary>The default, or null.</summary>
    public object? Default { get; init; }

    /// <summary>The values to choose from, or null: an enum's names, or those the attribute lists.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>Which of the account's own things to choose from, or null.</summary>
    public string? ChoicesFrom { get; init; }

    /// <summary>The designer's editor (Elsa Studio's uiHint).</summary>
    public required string Hint { get; init; }

    /// <summary>Stored bare in the definition, not wrapped in <c>{typeName, expression}</c> (as Elsa does for <c>cases</c> and <c>variable</c>).</summary>
    public bool Bare { get; init; }
}

/// <summary>An activity that can start instances when an event comes. Further down a journey, it waits for such an event.</summary>
public interface IEventTrigger<in TInput>
{
    /// <summary>The type of event that starts an instance; null for none.</summary>
    string? EventTypeOf(TInput input);

    /// <summary>The condition on the event and the contact; null for none.</summary>
    Rule? FilterOf(TInput input);
}

/// <summary>An activity that can start instances by the clock, for those of an audience.</summary>
public interface IScheduleTrigger<in TInput>
{
    /// <summary>When, and for whom; null for never.</summary>
    TriggerSchedule? ScheduleOf(TInput input);
}

/// <summary>When a trigger starts instances: by a cron expression or in equal intervals.</summary>
/// <param name="Cron">A cron expression of five fields (from minutes on) or six and seven (from seconds on); null with an interval.</param>
/// <param name="Every">The interval, counted from the publish; null with a cron expression.</param>
/// <param name="TimeZone">By whose clock the cron expression goes, such as Europe/Paris; null for UTC.</param>
/// <param name="Audience">The key of the segment whose contacts enter; null for the audience that the journey's rules name.</param>
public sealed record TriggerSchedule(string? Cron, TimeSpan? Every, string? TimeZone, string? Audience);
