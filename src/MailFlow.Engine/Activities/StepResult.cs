using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Activities;

/// <summary>What an activity decided for one step. A value: nothing happens until the batch commits.</summary>
public readonly record struct StepResult
{
    internal enum Kinds : byte { None, Complete, Wait, Stay, Fault, Exit, EndFlow, FinishWorkflow, Job }

    internal Kinds Kind { get; private init; }

    internal IReadOnlyList<string>? Outcomes { get; private init; }

    internal string? Text { get; private init; }

    internal DateTimeOffset? Until { get; private init; }

    internal string? EventType { get; private init; }

    internal bool FollowsContact { get; private init; }

    /// <summary>Nothing was decided: the activity threw.</summary>
    internal bool IsThrown { get; private init; }

    private static readonly IReadOnlyList<string> DoneOnly = ["Done"];

    /// <summary>The step is done; the contact leaves through the port <paramref name="outcome"/>.</summary>
    /// <param name="outcome">A declared outcome.</param>
    /// <param name="text">The reason in plain words, for the journal and the contact's trace.</param>
    public static StepResult Complete(string outcome = "Done", string? text = null) =>
        new() { Kind = Kinds.Complete, Outcomes = outcome == "Done" ? DoneOnly : [outcome], Text = text };

    /// <summary>The step is done; the contact leaves through each of these ports.</summary>
    public static StepResult Complete(IReadOnlyList<string> outcomes, string? text = null) =>
        new() { Kind = Kinds.Complete, Outcomes = outcomes, Text = text };

    /// <summary>Come back at an instant (any length of time; one in the past comes back at once). The activity then runs again with <see cref="WakeReason.Due"/>.</summary>
    /// <param name="until">The instant.</param>
    /// <param name="text">What is waited for, in plain words.</param>
    /// <param name="followsContact">Run the activity again (with <see cref="WakeReason.ContactChanged"/>) whenever the contact changes, because the instant depends on it.</param>
    public static StepResult WaitUntil(DateTimeOffset until, string? text = null, bool followsContact = false) =>
        new() { Kind = Kinds.Wait, Until = until, Text = text, FollowsContact = followsContact };

    /// <summary>Come back when an event of this type reaches the contact, or at <paramref name="until"/> (null: wait for ever). The activity then runs again, and may <see cref="Stay"/>.</summary>
    public static StepResult WaitForEvent(string eventType, DateTimeOffset? until = null, string? text = null) =>
        new() { Kind = Kinds.Wait, EventType = eventType, Until = until, Text = text };

    /// <summary>Wait until the contact changes (an attribute it depends on is missing).</summary>
    public static StepResult WaitForContact(string? text = null) =>
        new() { Kind = Kinds.Wait, FollowsContact = true, Text = text };

    /// <summary>Woken, but not by what is waited for: go on waiting as before.</summary>
    public static StepResult Stay { get; } = new() { Kind = Kinds.Stay };

    /// <summary>The instance stops here as an incident; an operator can retry, skip or cancel it.</summary>
    public static StepResult Fault(string message) => new() { Kind = Kinds.Fault, Text = message };

    /// <summary>The activity threw. Where it does so for everybody, it is the activity that is broken.</summary>
    internal static StepResult Thrown(Exception error)
    {
        var message = $"{error.GetType().Name}: {error.Message}";
        // A rule fails by what the contact and the event hold.
        return error is ExpressionException ? Fault(message) : Thrown(message);
    }

    /// <inheritdoc cref="Thrown(Exception)"/>
    internal static StepResult Thrown(string message) => new() { Kind = Kinds.Fault, Text = message, IsThrown = true };

    /// <summary>The contact leaves the whole journey early.</summary>
    public static StepResult Exit(string? reason = null) => new() { Kind = Kinds.Exit, Text = reason };

    /// <summary>Ends the flowchart that the activity stands in, whatever else runs in it (Elsa's <c>End</c>).</summary>
    internal static StepResult EndFlow { get; } = new() { Kind = Kinds.EndFlow };

    /// <summary>Finishes the whole workflow (Elsa's <c>Finish</c>).</summary>
    internal static StepResult FinishWorkflow { get; } = new() { Kind = Kinds.FinishWorkflow };

    /// <summary>The activity's work is done after the commit, as a job.</summary>
    internal static StepResult Job { get; } = new() { Kind = Kinds.Job };
}
