using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

/// <summary>One contact at an activity, without an engine: keeps what the activity asks for.</summary>
internal sealed class TestStep(WakeReason wake) : Step
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    public Dictionary<string, object?> Set { get; } = [];

    public List<(string Journey, IReadOnlyDictionary<string, object?> Input)> Started { get; } = [];

    public override int AccountId => 1;

    public override Contact Contact { get; } = new(1, 1, "u1", JsonData.Empty);

    public override Guid InstanceId => Guid.Empty;

    public override DateTimeOffset EnteredAt => Noon;

    public override JourneyInfo Journey { get; } = new(1, "test", 1, 1, "Test", JourneyRules.Default);

    public override string ActivityId => "a";

    public override int Visit => 1;

    public override Guid Key => Guid.Empty;

    public override DateTimeOffset Now => Noon;

    public override WakeReason Wake => wake;

    public override IReadOnlyDictionary<string, object?> Event { get; } = JsonData.ParseMap("""{"total":6}""");

    public override IReadOnlyDictionary<string, object?> Trigger => Event;

    public override IReadOnlyDictionary<string, object?> Variables => Set;

    public override void SetVariable(string name, object? value) => Set[name] = value;

    public override bool StartJourney(string definitionId, IReadOnlyDictionary<string, object?> input)
    {
        Started.Add((definitionId, input));
        return true;
    }

    public override bool Matches(Rule rule) => rule.Expression.Matches(this);

    public override object? Root(string name) => name switch { "event" => Event, "trigger" => Trigger, "variables" => Variables, _ => null };

    public override long CountEvents(string type, TimeSpan? window) => 0;
}
