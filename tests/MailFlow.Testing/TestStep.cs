using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;

namespace MailFlow.Testing;

/// <summary>One contact at one activity, made by hand. Everything has a default: name what the test is about.</summary>
/// <param name="now">Text such as <c>2026-03-28T09:30:00Z</c>; default 9:00 UTC on Monday, 5 January 2026.</param>
/// <param name="userId">The contact's user id.</param>
/// <param name="contact">The contact's fields and attributes by name.</param>
/// <param name="event">The event that woke or started the instance; its members by name.</param>
/// <param name="wake">Why the activity runs; default <see cref="WakeReason.Arrived"/>.</param>
/// <param name="waitingUntil">Until when it was waiting.</param>
/// <param name="activityId">The node.</param>
/// <param name="journey">The journey's definition id.</param>
/// <param name="rules">The journey's rules.</param>
/// <param name="contactId">The contact's dense key.</param>
/// <param name="variables">The workflow's variables.</param>
public sealed class TestStep(
    string? now = null,
    string userId = "ada",
    IReadOnlyDictionary<string, object?>? contact = null,
    IReadOnlyDictionary<string, object?>? @event = null,
    WakeReason wake = WakeReason.Arrived,
    DateTimeOffset? waitingUntil = null,
    string activityId = "step",
    string journey = "journey",
    JourneyRules? rules = null,
    long contactId = 1,
    IReadOnlyDictionary<string, object?>? variables = null) : Step
{
    private readonly Dictionary<string, object?> _variables = new(variables ?? JsonData.Empty);
    private readonly List<(string, IReadOnlyDictionary<string, object?>)> _started = [];

    /// <summary>The journeys it started, with their input.</summary>
    public IReadOnlyList<(string DefinitionId, IReadOnlyDictionary<string, object?> Input)> Started => _started;

    /// <summary>What <see cref="CountEvents"/> answers, by event type.</summary>
    public Dictionary<string, long> EventCounts { get; } = [];

    /// <inheritdoc/>
    public override int AccountId => Contact.AccountId;

    /// <inheritdoc/>
    public override Contact Contact { get; } = new(1, contactId, userId, new Dictionary<string, object?>(contact ?? JsonData.Empty) { ["user_id"] = userId });

    /// <inheritdoc/>
    public override Guid InstanceId { get; } = StableHash.Key("instance", journey, userId);

    /// <inheritdoc/>
    public override DateTimeOffset EnteredAt => Now;

    /// <inheritdoc/>
    public override JourneyInfo Journey { get; } = new(1, journey, 1, 1, journey, rules ?? JourneyRules.Default);

    /// <inheritdoc/>
    public override string ActivityId => activityId;

    /// <inheritdoc/>
    public override int Visit => 1;

    /// <inheritdoc/>
    public override Guid Key => StableHash.TimedKey(EnteredAt.ToUnixTimeMilliseconds(), StableHash.Key(InstanceId.ToString(), ActivityId, "1"));

    /// <inheritdoc/>
    public override DateTimeOffset Now { get; } = now is null ? new FakeTime().GetUtcNow() : DateTimeOffset.Parse(now);

    /// <inheritdoc/>
    public override WakeReason Wake => wake;

    /// <inheritdoc/>
    public override DateTimeOffset? WaitingUntil => waitingUntil;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, object?> Event { get; } = @event ?? JsonData.Empty;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, object?> Trigger => Event;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, object?> Variables => _variables;

    /// <inheritdoc/>
    public override void SetVariable(string name, object? value) => _variables[name] = value;

    /// <inheritdoc/>
    public override bool StartJourney(string definitionId, IReadOnlyDictionary<string, object?> input)
    {
        _started.Add((definitionId, input));
        return true;
    }

    /// <inheritdoc/>
    public override bool Matches(Rule rule) => rule.Expression.Matches(this);

    /// <inheritdoc/>
    public override object? Root(string name) => name switch
    {
        "contact" => Contact.Fields,
        "event" => Event,
        "trigger" => Trigger,
        "variables" => Variables,
        "journey" => new Dictionary<string, object?> { ["id"] = Journey.DefinitionId, ["name"] = Journey.Name, ["version"] = (long)Journey.Version },
        "now" => Now,
        _ => null,
    };

    /// <inheritdoc/>
    public override long CountEvents(string type, TimeSpan? window) => EventCounts.GetValueOrDefault(type);

    /// <summary>A rule for an activity's input, as a definition would give it.</summary>
    public static Rule Rule(string text) => new(text, CelExpression.Parse(text));
}
