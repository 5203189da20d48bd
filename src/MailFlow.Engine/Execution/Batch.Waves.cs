using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Runs every instance to quiescence, in waves. In a wave each instance makes one step; the steps are grouped by version and
/// node, and each group is one call. So an instance's own steps are strictly one after another, as if it ran alone.
/// </summary>
internal sealed partial class Batch
{
    /// <summary>How often one stimulus may bring an instance to the same node: a loop whose wait is over at once ends here as an incident, before it has sent a thousand mails.</summary>
    public const int MostVisits = 20;

    /// <summary>
    /// How long one call of an activity may take: it holds the shard, and on SQLite every writer. While it thinks, its transaction stands idle: it must be over before
    /// the database ends that, or what is the activity's fault would look like the database's and be tried again for ever.
    /// </summary>
    internal static TimeSpan CallDeadlineOn(Database database) => database.LongestIdle * 0.8;

    /// <summary>From how long on a call is slow.</summary>
    private static readonly TimeSpan SlowCall = TimeSpan.FromMilliseconds(500);

    private async Task RunWavesAsync(CancellationToken ct)
    {
        var running = _instances.Values.Where(instance => instance.IsTouched).OrderBy(instance => instance.Contact.Id).ThenBy(instance => instance.Id).ToList();
        while (running.Count > 0)
        {
            var steps = new List<BatchStep>(running.Count);
            foreach (var instance in running)
                if (instance.Runnable(view.IsPaused(instance.Version.Info.Id), NoneParked ? null : token => IsHeld(instance, token)) is { } token) steps.Add(new BatchStep(this, instance, token));
            if (steps.Count == 0) return;
            foreach (var group in steps.GroupBy(step => (step.Journey.VersionId, step.Token.Node)).OrderBy(group => group.Key.VersionId).ThenBy(group => group.Key.Node))
                await RunGroupAsync([.. group], ct);
            running = steps.ConvertAll(step => step.Instance);
        }
    }

    private async Task RunGroupAsync(List<BatchStep> steps, CancellationToken ct)
    {
        var node = steps[0].Instance.Graph.Nodes[steps[0].Token.Node];
        Transitions += steps.Count;
        if (node.InnerStart is not null)
        {
            foreach (var step in steps) Interpreter.Enter(step.Instance.State, step.Token, node, now);
            return;
        }

        var called = new List<Step>(steps.Count);
        if (node.Activity.Inputs.EventCounts.Count > 0)
            await Counts.FetchAsync(session, node.Activity.Inputs.EventCounts, steps.Select(step => step.ContactId), now, ct);
        var isBroken = services.Known.Nodes.TryGetValue((steps[0].Journey.VersionId, node.Index), out var reason);
        var tried = new List<BatchStep>(steps.Count);
        foreach (var step in steps)
        {
            if (IsDecided(step)) continue;
            if (isBroken && services.Known.AtNodes.Contains(step.AsFailed)) step.Result = StepResult.Thrown(reason!);
            else if (TryBind(step, node)) called.Add(step);
            else continue;
            tried.Add(step);
        }
        if (called.Count > 0) await CallAsync(node, called, ct);
        if (tried.Count > 0) ParkOrRelease(steps, tried, node);
        foreach (var step in steps) Follow(step, node);
    }

    /// <summary>Steps that need no call: a trigger that started the instance, a step known to fail, a loop without a wait.</summary>
    private bool IsDecided(BatchStep step)
    {
        if (step.Token.IsEntry && step.Token.Reason == WakeReason.Arrived) step.Result = StepResult.Complete();
        else if (services.Known.Steps.TryGetValue(step.AsFailed, out var message)) step.Result = StepResult.Fault(message);
        else if (step.Instance.VisitNow(step.Token.Node) > MostVisits) step.Result = StepResult.Fault($"came here {MostVisits} times without a wait: the journey loops");
        return step.Result.Kind != StepResult.Kinds.None;
    }

    private static bool TryBind(BatchStep step, Node node)
    {
        try
        {
            step.Input = node.Activity.Inputs.Constant ?? node.Activity.Inputs.Bind(step);
            return true;
        }
        catch (ExpressionException error)
        {
            step.Result = StepResult.Fault(error.Message);
            return false;
        }
    }

    private async Task CallAsync(Node node, List<Step> steps, CancellationToken ct)
    {
        var activity = (Activity)services.Scope.GetRequiredService(node.Activity.Descriptor.Class);
        await session.SendAsync(ct); // what fails of it is not the activity's fault
        await session.StayAwakeAsync(ct);
        var longest = CallDeadlineOn(session.Database);
        var started = session.Database.Time.GetTimestamp();
        using var timeout = new CancellationTokenSource(longest, session.Database.Time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            if (services.Known.Probe == (((BatchStep)steps[0]).Journey.VersionId, node.Index)) await ProbeAsync(activity, node, steps, Failed, deadline.Token);
            await activity.RunAsync(steps, session, deadline.Token);
            await session.SendAsync(deadline.Token); // what it enqueued fails as its own
            timeout.Token.ThrowIfCancellationRequested(); // one that looks at no token: its transaction may be gone
        }
        catch (Exception error) when (timeout.IsCancellationRequested && !ct.IsCancellationRequested && (error is OperationCanceledException || session.Dialect.IsTransient(error)))
        {
            // Not probed: the shard would be held for many times as long.
            throw Failed(new TimeoutException($"did not decide within {longest.TotalSeconds:0.#} s"));
        }
        catch (Exception error) when (error is not (OperationCanceledException or ActivityException or NodeFailedException) && !session.Dialect.IsTransient(error))
        {
            throw Failed(error);
        }
        HasEffects = true;
        if (session.Database.Time.GetElapsedTime(started) >= SlowCall) Slow.UnionWith(steps.Select(step => StableHash.Shard(step.AccountId, step.Contact.UserId)));

        ActivityException Failed(Exception error)
        {
            var instance = ((BatchStep)steps[0]).Instance;
            return new ActivityException(node, instance.Version.Info.VersionId,
                [.. steps.Cast<BatchStep>().Select(step => step.AsFailed)], error,
                mayBeAll: !timeout.IsCancellationRequested && error is not ExpressionException
                    && (AreEnough(steps.Cast<BatchStep>()) || ParkOf(instance, node.Index) is not null));
        }
    }

    private void Follow(BatchStep step, Node node)
    {
        var (instance, token, result) = (step.Instance, step.Token, step.Result);
        var (reason, wokenBy) = (token.Reason, token.WokenBy);
        (token.Reason, token.WokenBy, token.Error) = (WakeReason.Arrived, null, null);
        switch (result.Kind)
        {
            case StepResult.Kinds.Complete:
                instance.State.Event = wokenBy ?? instance.State.Event;
                Leave(instance, token, result.Outcomes!, result.Text);
                break;
            case StepResult.Kinds.Wait:
                Wait(instance, token, result, reason);
                break;
            case StepResult.Kinds.Stay:
                token.Phase = TokenPhase.Waiting;
                break;
            case StepResult.Kinds.Job:
                token.Phase = TokenPhase.Job;
                _jobs.Add(JobRow.For(step, node, now));
                instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Suspended, null, null));
                break;
            case StepResult.Kinds.Exit:
                instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Completed, null, result.Text));
                // Drawn by the author, after what stands before it: mail already queued goes out. Only an exit condition or an operator calls it off.
                instance.End(InstanceStatus.Exited, result.Text ?? "exited");
                break;
            case StepResult.Kinds.EndFlow:
                instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Completed, null, null));
                Interpreter.EndFlow(instance.Graph, instance.State, token, now);
                FinishIfDone(instance);
                break;
            case StepResult.Kinds.FinishWorkflow:
                instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Completed, null, null));
                instance.End(InstanceStatus.Completed, null);
                break;
            case StepResult.Kinds.Fault:
                Fault(instance, token, result.Text!);
                break;
            default:
                Fault(instance, token, $"{node.Type} decided nothing for this step");
                break;
        }
    }

    private void Wait(Instance instance, Token token, StepResult result, WakeReason reason)
    {
        var until = result.Until?.ToUnixTimeMilliseconds();
        var again = reason != WakeReason.Arrived && token.Wake == until && token.EventType == result.EventType;
        (token.Wake, token.EventType, token.FollowsContact) = (until, result.EventType, result.FollowsContact);
        if (!again) instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Suspended, null, result.Text));
        // What is over already comes back at once, but not twice for the same instant: that activity would never let go.
        if (until <= now && !(reason == WakeReason.Due && again)) WakeUp(token, WakeReason.Due, null);
        else token.Phase = TokenPhase.Waiting;
    }

    private void Leave(Instance instance, Token token, IReadOnlyList<string> outcomes, string? text)
    {
        instance.IsTouched = true;
        instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Completed, outcomes.Count == 0 ? null : string.Join(", ", outcomes), text));
        Interpreter.Complete(instance.Graph, instance.State, token, outcomes, now);
        FinishIfDone(instance);
    }

    private static void FinishIfDone(Instance instance)
    {
        if (instance.Status != InstanceStatus.Running || !Interpreter.IsFinished(instance.State)) return;
        var stalled = instance.State.Tokens.Select(token => instance.Graph.Nodes[token.Node].Title).Distinct().ToList();
        instance.End(InstanceStatus.Completed, stalled.Count == 0 ? null : $"ended with a join that could not complete: {string.Join(", ", stalled)}");
    }

    private void Fault(Instance instance, Token token, string message)
    {
        Incidents++;
        (token.Phase, token.Error) = (TokenPhase.Faulted, message);
        (instance.Status, instance.IsTouched) = (InstanceStatus.Faulted, true);
        instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Faulted, null, message));
    }
}
