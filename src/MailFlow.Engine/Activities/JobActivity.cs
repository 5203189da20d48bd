using System.Text.Json;
using MailFlow.Data;

namespace MailFlow.Engine.Activities;

/// <summary>
/// An activity with real I/O, such as a webhook. The step's commit only plans the job; it runs afterwards, outside any
/// transaction, is tried again with back-off, and its result comes back as an outcome. It may run more than once
/// (a crash after the call and before the result is kept): pass <see cref="Job.Key"/> on, so that the other side can tell.
/// </summary>
public abstract class JobActivity<TInput> : Activity, IJobActivity where TInput : class
{
    /// <summary>How often and how patiently to try.</summary>
    protected virtual JobRetry Retry => new();

    /// <summary>
    /// Called in the step's batch, before the commit: makes the input that the job is given, where it needs what only the step knows
    /// (the contact, the event). No I/O. The result must survive JSON.
    /// </summary>
    protected virtual TInput Prepare(TInput input, Step step) => input;

    /// <summary>Does the work. An exception is a failed attempt, like <see cref="JobResult.Retry"/>.</summary>
    protected abstract Task<JobResult> RunAsync(TInput input, Job job, CancellationToken ct);

    JobRetry IJobActivity.Retry => Retry;

    Task<JobResult> IJobActivity.RunAsync(string input, Job job, CancellationToken ct) =>
        RunAsync(JsonSerializer.Deserialize<TInput>(input, IJobActivity.InputJson)!, job, ct);

    internal sealed override ValueTask RunAsync(IReadOnlyList<Step> steps, Session session, CancellationToken ct)
    {
        foreach (var step in steps)
        {
            try
            {
                step.Input = Prepare((TInput)step.Input, step);
                step.Result = StepResult.Job;
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                step.Result = StepResult.Thrown(error);
            }
        }
        return ValueTask.CompletedTask;
    }
}

internal interface IJobActivity
{
    /// <summary>How a job's input is kept between its attempts.</summary>
    static readonly JsonSerializerOptions InputJson = new(JsonSerializerDefaults.Web);

    JobRetry Retry { get; }

    Task<JobResult> RunAsync(string input, Job job, CancellationToken ct);
}

/// <summary>One attempt of a job.</summary>
/// <param name="Key">The step's key: the same at every attempt.</param>
/// <param name="AccountId">The account (tenant).</param>
/// <param name="ContactId">The contact's dense key.</param>
/// <param name="UserId">The application's id for the contact.</param>
/// <param name="Attempt">From 1.</param>
/// <param name="Now">When this attempt began.</param>
public sealed record Job(Guid Key, int AccountId, long ContactId, string UserId, int Attempt, DateTimeOffset Now);

/// <summary>How often a job is tried: after attempt n it waits First × 2^(n-1), at most Longest, with ±20 % jitter.</summary>
/// <param name="Attempts">The most attempts, 1 or more.</param>
/// <param name="First">The wait after the first failed attempt; default 10 s.</param>
/// <param name="Longest">The longest wait; default 1 hour.</param>
/// <param name="Deadline">How long one attempt may take; default 30 s.</param>
public sealed record JobRetry(int Attempts = 8, TimeSpan? First = null, TimeSpan? Longest = null, TimeSpan? Deadline = null);

/// <summary>What a job's attempt came to.</summary>
public readonly record struct JobResult
{
    internal string? Outcome { get; private init; }

    internal string? Text { get; private init; }

    internal TimeSpan? After { get; private init; }

    internal bool IsRetry { get; private init; }

    /// <summary>Done: the contact leaves through <paramref name="outcome"/>.</summary>
    public static JobResult Complete(string outcome = "Done", string? text = null) => new() { Outcome = outcome, Text = text };

    /// <summary>
    /// Failed for now: try again, after <paramref name="after"/> if the other side said so. When the attempts are used up, the contact leaves
    /// through "Failed" where the activity declares that outcome; otherwise it is an incident.
    /// </summary>
    public static JobResult Retry(string reason, TimeSpan? after = null) => new() { IsRetry = true, Text = reason, After = after };
}
