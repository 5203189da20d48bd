using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Execution;

/// <summary>A step in a batch.</summary>
internal sealed class BatchStep(Batch batch, Instance instance, Token token) : Step
{
    private Guid? _key;

    public Instance Instance => instance;

    public Token Token => token;

    public FailedStep AsFailed => new(instance.Id, token.Node, token.Visit);

    public override int AccountId => instance.Version.AccountId;

    public override Contact Contact => instance.Contact;

    public override Guid InstanceId => instance.Id;

    public override DateTimeOffset EnteredAt => DateTimeOffset.FromUnixTimeMilliseconds(instance.EnteredAt);

    public override JourneyInfo Journey => instance.Version.Info;

    public override string ActivityId => instance.Graph.Nodes[token.Node].Id;

    public override int Visit => token.Visit;

    public override Guid Key => _key ??= KeyOf(instance, token);

    public override DateTimeOffset Now => batch.Now;

    public override WakeReason Wake => token.Reason;

    public override DateTimeOffset? WaitingUntil =>
        token is { Reason: not WakeReason.Arrived, Wake: { } until } ? DateTimeOffset.FromUnixTimeMilliseconds(until) : null;

    public override IReadOnlyDictionary<string, object?> Event => token.WokenBy ?? instance.State.Event;

    public override IReadOnlyDictionary<string, object?> Trigger => instance.State.Trigger;

    public override IReadOnlyDictionary<string, object?> Variables
    {
        get
        {
            if (instance.State.Variables.Count == 0) return instance.Graph.Variables;
            var all = new Dictionary<string, object?>(instance.Graph.Variables);
            foreach (var (name, value) in instance.State.Variables) all[name] = value;
            return all;
        }
    }

    public override void SetVariable(string name, object? value) => instance.State.Variables[name] = value;

    public override bool StartJourney(string definitionId, IReadOnlyDictionary<string, object?> input)
    {
        if (!batch.IsPublished(AccountId, definitionId)) return false;
        var id = StableHash.TimedKey(batch.NowMs, StableHash.Key("start", Key.ToString(), definitionId));
        batch.Post(Storage.InboxItem.StartInstance(AccountId, Contact.UserId, id, definitionId, input, underEntryRule: true));
        return true;
    }

    public override bool Matches(Rule rule) => rule.Expression.Matches(this);

    public override object? Root(string name) => name switch
    {
        "contact" => Contact.Fields,
        "event" => Event,
        "trigger" or "input" => Trigger,
        "journey" => instance.Version.Values,
        "variables" => Variables,
        _ => Variables.GetValueOrDefault(name),
    };

    public override long CountEvents(string type, TimeSpan? window) => batch.Counts.Get(ContactId, type, window);

    public static Guid KeyOf(Instance instance, Token token) => StableHash.TimedKey(instance.EnteredAt, StableHash.Key(
        instance.Version.AccountId.ToString(), instance.Id.ToString(), instance.Graph.Nodes[token.Node].Id, token.Visit.ToString()));
}
