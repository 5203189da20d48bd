using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Activities;

/// <summary>Why an activity runs.</summary>
public enum WakeReason
{
    /// <summary>The contact has just arrived.</summary>
    Arrived,

    /// <summary>The instant it waited for has come.</summary>
    Due,

    /// <summary>An event of the type it waited for has come; it is <see cref="Step.Event"/>.</summary>
    Event,

    /// <summary>The contact has changed.</summary>
    ContactChanged,
}

/// <summary>One contact at one activity. Everything in it is frozen for the batch.</summary>
public abstract class Step : IExpressionScope
{
    /// <summary>The account (tenant).</summary>
    public abstract int AccountId { get; }

    /// <summary>The contact. Its fields show what this batch has changed so far.</summary>
    public abstract Contact Contact { get; }

    /// <summary>The contact's dense key.</summary>
    public long ContactId => Contact.Id;

    /// <summary>The contact's trip through the journey.</summary>
    public abstract Guid InstanceId { get; }

    /// <summary>Since when the instance exists.</summary>
    public abstract DateTimeOffset EnteredAt { get; }

    /// <summary>The journey this step belongs to.</summary>
    public abstract JourneyInfo Journey { get; }

    /// <summary>The activity's id in the definition.</summary>
    public abstract string ActivityId { get; }

    /// <summary>How many times this instance has come to this activity, from 1.</summary>
    public abstract int Visit { get; }

    /// <summary>
    /// Hash of account, instance, activity and visit: the same through retries and crashes, different for every visit.
    /// Its time part is the instance's, so that keys come in order of time.
    /// </summary>
    public abstract Guid Key { get; }

    /// <inheritdoc/>
    public abstract DateTimeOffset Now { get; }

    /// <summary>Why the activity runs now.</summary>
    public abstract WakeReason Wake { get; }

    /// <summary>Until when this step was waiting when it was woken; null when it has just arrived or waits without an end.</summary>
    public virtual DateTimeOffset? WaitingUntil => null;

    /// <summary>The event that last moved this instance (payload members by name, with event_id, event_type, timestamp and metadata), or empty.</summary>
    public abstract IReadOnlyDictionary<string, object?> Event { get; }

    /// <summary>The event or input that started this instance.</summary>
    public abstract IReadOnlyDictionary<string, object?> Trigger { get; }

    /// <summary>The workflow's variables.</summary>
    public abstract IReadOnlyDictionary<string, object?> Variables { get; }

    /// <summary>Sets a variable of the instance; later steps see it.</summary>
    public abstract void SetVariable(string name, object? value);

    /// <summary>Starts another journey for this contact, in a batch of its own. Repeated for one step key, it starts one.</summary>
    /// <param name="definitionId">The other journey's definition id.</param>
    /// <param name="input">Its trigger's payload.</param>
    /// <returns>False where that journey is not published: nothing is started.</returns>
    public abstract bool StartJourney(string definitionId, IReadOnlyDictionary<string, object?> input);

    /// <summary>Evaluates a rule that an input carries, as of now.</summary>
    public abstract bool Matches(Rule rule);

    /// <summary>What was decided; set once by the activity.</summary>
    internal StepResult Result { get; set; }

    /// <summary>The evaluated input record.</summary>
    internal object Input { get; set; } = null!;

    /// <inheritdoc/>
    public abstract object? Root(string name);

    /// <inheritdoc/>
    public abstract long CountEvents(string type, TimeSpan? window);
}

/// <summary>A step with its input, as a batch activity sees it.</summary>
public readonly struct Step<TInput>(Step step)
{
    /// <summary>The evaluated input.</summary>
    public TInput Input => (TInput)step.Input;

    /// <summary>The contact, instance, journey, key and clock.</summary>
    public Step Context => step;

    /// <summary>The contact's dense key.</summary>
    public long ContactId => step.ContactId;

    /// <inheritdoc cref="Step.Key"/>
    public Guid Key => step.Key;

    /// <inheritdoc cref="StepResult.Complete(string, string?)"/>
    public void Complete(string outcome = "Done", string? text = null) => step.Result = StepResult.Complete(outcome, text);

    /// <summary>Decides this step.</summary>
    public void Decide(StepResult result) => step.Result = result;
}

/// <summary>The journey of a step.</summary>
/// <param name="Id">Its dense key.</param>
/// <param name="DefinitionId">Its definition's id, stable across versions.</param>
/// <param name="Version">The version this instance is pinned to, from 1.</param>
/// <param name="VersionId">The dense key of that version.</param>
/// <param name="Name">Its name.</param>
/// <param name="Rules">Its own rules.</param>
public sealed record JourneyInfo(int Id, string DefinitionId, int Version, long VersionId, string Name, Definitions.JourneyRules Rules);
