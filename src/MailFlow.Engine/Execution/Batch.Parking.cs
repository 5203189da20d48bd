using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Where the activity throws alike for a whole group, it is the node that is broken and not the contacts: they are held there and tried again later,
/// instead of each becoming an incident. Who comes new is tried: one who gets through ends it. What depends on the contact, a fault that the activity
/// decides or an expression that fails, is always an incident.
/// </summary>
internal sealed partial class Batch
{
    /// <summary>How many must fail alike, all of their group, for the node to be held for broken.</summary>
    public const int FewestAlike = 10;

    private readonly Dictionary<(long VersionId, int Node), ParkedNode> _parked = [];
    private readonly HashSet<(long VersionId, int Node)> _released = [];

    /// <summary>Those that this batch has tried in vain.</summary>
    private readonly HashSet<Token> _held = [];

    /// <summary>Those whose time for a try has come.</summary>
    private readonly HashSet<Token> _retried = [];

    /// <summary>The nodes that were parked, or parked for longer.</summary>
    public IReadOnlyCollection<ParkedNode> Parked => _parked.Values;

    /// <summary>The nodes that work again.</summary>
    public IReadOnlyCollection<(long VersionId, int Node)> Released => _released;

    private bool NoneParked => _parked.Count == 0 && view.Parked.Count == 0;

    private ParkedNode? ParkOf(Instance instance, int node)
    {
        if (NoneParked) return null;
        var key = (instance.Version.Info.VersionId, node);
        return _parked.GetValueOrDefault(key) ?? (_released.Contains(key) ? null : view.Parked.GetValueOrDefault(key));
    }

    /// <summary>
    /// What an event or a change of the contact has woken is not held: the state does not keep what woke it, and that would be lost. It is tried, and
    /// becomes an incident.
    /// </summary>
    private static bool CanBeHeld(Token token) => token.Reason is WakeReason.Arrived or WakeReason.Due;

    /// <summary>Whether a token failed here before and its next try is not due. Who has not been tried yet is not held: it may well get through.</summary>
    private bool IsHeld(Instance instance, Token token) =>
        token.Error is not null && CanBeHeld(token) && !_retried.Contains(token) && ParkOf(instance, token.Node) is not null;

    /// <summary>Until when a token is held; null when it is not. That others have failed meanwhile does not put off a try that was set already.</summary>
    private long? HeldUntil(Instance instance, Token token)
    {
        if (token.Error is null || ParkOf(instance, token.Node) is not { RetryAt: var retryAt }) return null;
        return _held.Contains(token) || instance.DueAt is not { } due ? retryAt : Math.Min(retryAt, due);
    }

    /// <summary>Those held before do not count: since their node was released somebody got through, and it is they who fail.</summary>
    private static bool AreEnough(IEnumerable<BatchStep> tried) => tried.Count(step => step.Token.Error is null) >= FewestAlike;

    /// <summary>Where the activity threw alike for all that were tried, parks the node and takes those out of <paramref name="steps"/> that are held there.</summary>
    private void ParkOrRelease(List<BatchStep> steps, List<BatchStep> tried, Node node)
    {
        (long VersionId, int Node) key = (steps[0].Journey.VersionId, node.Index);
        var before = ParkOf(steps[0].Instance, node.Index);
        var first = tried[0].Result;
        var isAlike = (services.Known.Nodes.ContainsKey(key) || before is not null || AreEnough(tried))
            && tried.TrueForAll(step => step.Result.IsThrown && step.Result.Text == first.Text);
        if (isAlike)
        {
            // Who fails between the tries, fresh from the way here or woken by an event, does not make the wait of the others longer.
            if (before is null || before.RetryAt <= now)
                _parked[key] = (before ?? new ParkedNode(key.VersionId, key.Node, steps[0].AccountId, steps[0].Journey.Id, first.Text!, now, now, 0)).Failed(first.Text!, now);
            var held = tried.Where(step => CanBeHeld(step.Token)).ToHashSet();
            foreach (var step in held) Hold(step, first.Text!);
            steps.RemoveAll(held.Contains);
        }
        else if (before is not null && tried.Exists(step => !step.Result.IsThrown))
        {
            _parked.Remove(key);
            _released.Add(key);
        }
    }

    private void Hold(BatchStep step, string reason)
    {
        var token = step.Token;
        if (token.Error is null) step.Instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Suspended, null, $"held, and tried again until it works, for others fail alike: {reason}"));
        token.Error = reason;
        step.Instance.IsTouched = true;
        _retried.Remove(token);
        _held.Add(token);
    }

    /// <summary>
    /// Runs the steps one by one, each undone again, until one gets through or fails in another way. Always throws: that all fail alike, or what makes the worker
    /// bisect the batch. Costs a call a contact, but only where the alternative is an incident a contact.
    /// </summary>
    private async Task ProbeAsync(Activity activity, Node node, List<Step> steps, Func<Exception, ActivityException> failed, CancellationToken ct)
    {
        string? reason = null;
        await session.ExecuteAsync("SAVEPOINT probe", ct);
        foreach (var step in steps)
        {
            try
            {
                await activity.RunAsync([step], session, ct);
                await session.SendAsync(ct);
            }
            catch (Exception error) when (error is not OperationCanceledException && !session.Dialect.IsTransient(error))
            {
                var text = failed(error).Message;
                session.Discard();
                await session.ExecuteAsync("ROLLBACK TO SAVEPOINT probe", ct);
                if (reason is null || reason == text)
                {
                    reason = text;
                    continue;
                }
            }
            throw failed(new InvalidOperationException("fails for some and not for others"));
        }
        services.Known.AtNodes.UnionWith(steps.Cast<BatchStep>().Select(step => step.AsFailed));
        throw new NodeFailedException((((BatchStep)steps[0]).Journey.VersionId, node.Index), reason!);
    }

    private async Task WriteParkedAsync(CancellationToken ct)
    {
        if (_parked.Count == 0 && _released.Count == 0) return;
        await ParkedNode.DeleteAsync(session, _released, ct);
        await ParkedNode.WriteAsync(session, _parked.Values, ct); // one released may be parked anew
        await EngineEpoch.BumpAsync(session, ct);
    }
}
