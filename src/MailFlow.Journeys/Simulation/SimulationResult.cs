namespace MailFlow.Journeys.Simulation;

/// <summary>What came of a simulation. Timeline, mails and state are the first contact's.</summary>
/// <param name="Status">Elsa's: <c>Running</c> or <c>Finished</c>; <c>NotEntered</c> where the journey did not let the contact in.</param>
/// <param name="SubStatus">Elsa's: <c>Suspended</c>, <c>Finished</c>, <c>Faulted</c> or <c>Cancelled</c>; <c>NotEntered</c>.</param>
/// <param name="Outcome">Ours: <c>waiting</c>, <c>completed</c>, <c>exited</c>, <c>faulted</c>, <c>cancelled</c> or <c>not_entered</c>.</param>
/// <param name="Stopped">Why the simulation ended: <c>finished</c> (nothing is left to happen), <c>waiting</c> (for events that do not come), <c>until</c> (its time was up) or <c>steps</c> (too many).</param>
/// <param name="StartsAt">When the clock started.</param>
/// <param name="EndsAt">What the clock showed at the end.</param>
/// <param name="DueAt">When the contact would move next; null where only an event can move it, or nothing.</param>
/// <param name="DurationMs">How long the simulation took, in milliseconds of real time.</param>
/// <param name="Steps">How many activities were run, for all contacts.</param>
/// <param name="Contacts">How many contacts.</param>
/// <param name="Timeline">What happened, in order; the first 2,000 lines.</param>
/// <param name="Mails">The mails as they would arrive; the first 200 and at most 8 MB.</param>
/// <param name="MailsTotal">How many mails all contacts together got.</param>
/// <param name="Stats">Where all the contacts are, and how many passed each activity.</param>
/// <param name="Findings">What a publish would warn of.</param>
public sealed record SimulationResult(
    string Status, string SubStatus, string Outcome, string Stopped, DateTimeOffset StartsAt, DateTimeOffset EndsAt, DateTimeOffset? DueAt, long DurationMs, long Steps, int Contacts,
    IReadOnlyList<SimulatedMoment> Timeline, IReadOnlyList<SimulatedMail> Mails, long MailsTotal, JourneyStats Stats, IReadOnlyList<Engine.Definitions.Finding> Findings);

/// <summary>One line of a simulation's timeline.</summary>
/// <param name="At">When, by the simulation's clock.</param>
/// <param name="Journey">The journey's definition id: another's, where the one simulated starts it; null for what happens outside any.</param>
/// <param name="ActivityId">The activity; null for the journey as a whole and for what happens outside.</param>
/// <param name="ActivityName">What people call it.</param>
/// <param name="ActivityType">Its type.</param>
/// <param name="Event"><c>Event</c> (one of the script), <c>Entered</c>, <c>NotEntered</c>, <c>Completed</c>, <c>Suspended</c>, <c>Faulted</c>, <c>Finished</c>, <c>Exited</c>, <c>Cancelled</c> or <c>Message</c>.</param>
/// <param name="Outcome">The exit port taken; of a message, where it stands.</param>
/// <param name="Reason">What was decided and why, in plain words; null where there is no more to say.</param>
/// <param name="Text">The whole line as a sentence.</param>
public sealed record SimulatedMoment(
    DateTimeOffset At, string? Journey, string? ActivityId, string? ActivityName, string? ActivityType, string Event, string? Outcome, string? Reason, string Text);

/// <summary>A mail of a simulation.</summary>
/// <param name="At">When it would be handed over.</param>
/// <param name="ActivityId">The activity that sends it.</param>
/// <param name="Template">The template's key.</param>
/// <param name="To">To whom.</param>
/// <param name="Subject">As rendered.</param>
/// <param name="Html">As rendered. Its links to unsubscribe do not work.</param>
/// <param name="Text">As rendered.</param>
public sealed record SimulatedMail(DateTimeOffset At, string? ActivityId, string Template, string To, string Subject, string Html, string Text);

/// <summary>The definition cannot run, so it cannot be simulated.</summary>
public sealed class UnsoundJourneyException(IReadOnlyList<Engine.Definitions.Finding> findings) : Exception("The journey cannot run as it is.")
{
    /// <summary>Why: the same findings that a publish would give.</summary>
    public IReadOnlyList<Engine.Definitions.Finding> Findings { get; } = findings;
}

/// <summary>As many simulations are running as this server allows at once.</summary>
public sealed class SimulatorBusyException(TimeSpan retryAfter) : Exception("Other simulations are running: try again in a moment.")
{
    /// <summary>When to come again.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
