using System.Text.Json;
using MailFlow.Engine.Activities;

namespace MailFlow.Testing;

/// <summary>Runs an activity the way the worker does.</summary>
public static class ActivityRun
{
    /// <summary>One activity, one contact: what it decided. For activities that need no database.</summary>
    public static Decision Of<TInput>(Activity<TInput> activity, TInput input, TestStep? step = null) where TInput : class
    {
        step ??= new TestStep();
        step.Input = input;
        // An Activity<TInput> does no I/O: it neither uses the session nor goes on later.
        activity.RunAsync([step], null!, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        return Decision.From(step.Result);
    }

    /// <summary>One batch activity and its input for every contact, in a transaction of its own, committed: what it decided, in the same order.</summary>
    public static Task<IReadOnlyList<Decision>> Of<TInput>(BatchActivity<TInput> activity, TInput input, TestDatabase database, params TestStep[] steps)
        where TInput : class =>
        database.Database.WriteAsync<IReadOnlyList<Decision>>(async session =>
        {
            foreach (var step in steps) step.Input = input;
            await activity.RunAsync(steps, session, CancellationToken.None);
            return [.. steps.Select(step => Decision.From(step.Result))];
        }, CancellationToken.None);

    /// <summary>One attempt of a job, its input prepared in a step and kept as JSON in between: what the attempt came to.</summary>
    public static async Task<JobDecision> Of<TInput>(JobActivity<TInput> activity, TInput input, TestStep? step = null, int attempt = 1)
        where TInput : class
    {
        step ??= new TestStep();
        step.Input = input;
        await activity.RunAsync([step], null!, CancellationToken.None);
        if (step.Result.Kind != StepResult.Kinds.Job) return new JobDecision(null, step.Result.Text, false, null);
        var kept = JsonSerializer.Serialize((TInput)step.Input, IJobActivity.InputJson);
        var job = new Job(step.Key, step.AccountId, step.ContactId, step.Contact.UserId, attempt, step.Now);
        var result = await ((IJobActivity)activity).RunAsync(kept, job, CancellationToken.None);
        return new JobDecision(result.Outcome, result.Text, result.IsRetry, result.After);
    }
}

/// <summary>What an activity decided for one step.</summary>
/// <param name="Kind">"Complete", "Wait", "Stay", "Fault", "Exit" …</param>
/// <param name="Outcome">The port it left through; of several, joined by commas.</param>
/// <param name="Text">The reason in plain words, or what is wrong.</param>
/// <param name="Until">When it wants to come back.</param>
/// <param name="EventType">The event it waits for.</param>
/// <param name="FollowsContact">Whether it wants to come back when the contact changes.</param>
public sealed record Decision(string Kind, string? Outcome, string? Text, DateTimeOffset? Until, string? EventType, bool FollowsContact)
{
    internal static Decision From(StepResult result) => new(
        result.Kind.ToString(),
        result.Outcomes is null ? null : string.Join(',', result.Outcomes),
        result.Text,
        result.Until,
        result.EventType,
        result.FollowsContact);
}

/// <summary>What one attempt of a job came to.</summary>
/// <param name="Outcome">The port it leaves through; null when it is to be tried again, or could not be prepared.</param>
/// <param name="Text">The reason in plain words.</param>
/// <param name="Retry">Whether it is to be tried again.</param>
/// <param name="After">How long the other side asked to wait.</param>
public sealed record JobDecision(string? Outcome, string? Text, bool Retry, TimeSpan? After);
