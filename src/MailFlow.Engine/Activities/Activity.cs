using MailFlow.Data;

namespace MailFlow.Engine.Activities;

/// <summary>What the engine calls. Derive from <see cref="Activity{TInput}"/>, <see cref="BatchActivity{TInput}"/> or <see cref="JobActivity{TInput}"/>.</summary>
public abstract class Activity
{
    private protected Activity() { }

    internal abstract ValueTask RunAsync(IReadOnlyList<Step> steps, Session session, CancellationToken ct);
}

/// <summary>
/// An activity that decides one step at a time and does no I/O. The public members of <typeparamref name="TInput"/>, a record, are the form in
/// the designer and the members in the definition (camelCase); expressions are evaluated before the call.
/// </summary>
public abstract class Activity<TInput> : Activity where TInput : class
{
    /// <summary>Decides one step. An exception makes an incident of this instance alone.</summary>
    protected abstract StepResult Run(TInput input, Step step);

    internal sealed override ValueTask RunAsync(IReadOnlyList<Step> steps, Session session, CancellationToken ct)
    {
        foreach (var step in steps)
        {
            try
            {
                step.Result = Run((TInput)step.Input, step);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                step.Result = StepResult.Thrown(error);
            }
        }
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// An activity that decides all steps now at its node in one call, reading and writing set-based through the batch's own
/// session: one query for a thousand contacts. Everything it writes commits with the steps, or not at all.
/// </summary>
public abstract class BatchActivity<TInput> : Activity where TInput : class
{
    /// <summary>Decides every step. An exception rolls the batch back; the engine then finds the step that causes it and makes an incident of that alone.</summary>
    protected abstract ValueTask RunAsync(StepBatch<TInput> steps, CancellationToken ct);

    internal sealed override ValueTask RunAsync(IReadOnlyList<Step> steps, Session session, CancellationToken ct) =>
        RunAsync(new StepBatch<TInput>(steps, session), ct);
}

/// <summary>The steps of one account, one definition version and one node, in a batch's transaction.</summary>
public sealed class StepBatch<TInput>(IReadOnlyList<Step> steps, Session session) : IReadOnlyList<Step<TInput>>
{
    /// <summary>The batch's connection and transaction.</summary>
    public Session Session { get; } = session;

    /// <summary>The account (tenant) of every step.</summary>
    public int AccountId => steps[0].AccountId;

    /// <summary>The journey of every step.</summary>
    public JourneyInfo Journey => steps[0].Journey;

    /// <summary>The batch's frozen instant.</summary>
    public DateTimeOffset Now => steps[0].Now;

    /// <summary>The contacts' keys, one a step.</summary>
    public IReadOnlyList<long> ContactIds { get; } = [.. steps.Select(step => step.ContactId)];

    /// <inheritdoc/>
    public int Count => steps.Count;

    /// <inheritdoc/>
    public Step<TInput> this[int index] => new(steps[index]);

    /// <inheritdoc/>
    public IEnumerator<Step<TInput>> GetEnumerator() => steps.Select(step => new Step<TInput>(step)).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
}
