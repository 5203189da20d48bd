using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Where a whole group fails alike, it is the node that is broken and not the contacts: they are held there and tried again later, instead of each
/// becoming an incident.
/// </summary>
internal sealed partial class Batch
{
    /// <summary>How many must fail alike, all of their group, for the node to be held for broken.</summary>
    public const int FewestAlike = 10;

    private readonly Dictionary<(long VersionId, int Node), ParkedNode> _parked = [];
    private readonly HashSet<(long VersionId, int Node)> _released = [];

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

    private bool IsHeld(Instance instance, Token token) => CanBeHeld(token) && ParkOf(instance, token.Node)?.RetryAt > now;

    /// <summary>Parks the node where all of a group failed alike, and takes those out of <paramref name="steps"/> that are held there.</summary>
    private void ParkOrRelease(List<BatchStep> steps, Node node, bool isDecided)
    {
        (long VersionId, int Node) key = (steps[0].Journey.VersionId, node.Index);
        var before = ParkOf(steps[0].Instance, node.Index);
        var isKnown = services.Known.Nodes.ContainsKey(key);
        // A definition's own fault is meant; and of what was decided without a call nothing can be learned.
        var isAlike = !isDecided && node.Activity.Descriptor.Class != typeof(Activities.Elsa.Fault) && (isKnown || steps.Count >= FewestAlike || before is not null)
            && steps.TrueForAll(step => step.Result.Kind == StepResult.Kinds.Fault && step.Result.Text == steps[0].Result.Text);
        if (isAlike)
        {
            var reason = steps[0].Result.Text!;
            // Further groups of this batch (events wake tokens that are not held) do not make the wait longer.
            if (!_parked.ContainsKey(key))
                _parked[key] = (before ?? new ParkedNode(key.VersionId, key.Node, steps[0].AccountId, steps[0].Journey.Id, reason, now, now, 0)).Failed(reason, now);
            _released.Remove(key);
            foreach (var step in steps) step.Instance.IsTouched = true;
            steps.RemoveAll(step => CanBeHeld(step.Token));
        }
        else if (before is not null && steps.Exists(step => step.Result.Kind != StepResult.Kinds.Fault))
        {
            _parked.Remove(key);
            _released.Add(key);
        }
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
            }
            catch (Exception error) when (error is not OperationCanceledException && !session.Dialect.IsTransient(error))
            {
                var text = failed(error).Message;
                await session.ExecuteAsync("ROLLBACK TO SAVEPOINT probe", ct);
                if (reason is null || reason == text)
                {
                    reason = text;
                    continue;
                }
            }
            throw failed(new InvalidOperationException("fails for some and not for others"));
        }
        throw new NodeFailedException((((BatchStep)steps[0]).Journey.VersionId, node.Index), reason!);
    }

    /// <summary>Says in the history of those held that they are, once.</summary>
    private void RecordHeld(Instance instance)
    {
        foreach (var token in instance.State.Tokens)
        {
            if (token.Phase is not (TokenPhase.Ready or TokenPhase.Waiting) || ParkOf(instance, token.Node) is not { } park || park.RetryAt <= now) continue;
            var isDue = token.Phase == TokenPhase.Ready || token.Wake <= now;
            var isFirst = (park.Attempts == 1 && _parked.ContainsKey(park.Key)) || token.Since == now || (token.Wake is { } wake && wake == instance.DueAt);
            if (isDue && isFirst) instance.History.Add(new HistoryStep(token.Node, HistoryEvent.Suspended, null, $"held, and tried again until it works: this fails for everybody: {park.Reason}"));
        }
    }

    private async Task WriteParkedAsync(CancellationToken ct)
    {
        if (_parked.Count == 0 && _released.Count == 0) return;
        await ParkedNode.WriteAsync(session, _parked.Values, ct);
        await ParkedNode.DeleteAsync(session, _released, ct);
        await EngineEpoch.BumpAsync(session, ct);
    }
}
