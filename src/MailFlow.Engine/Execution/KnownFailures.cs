namespace MailFlow.Engine.Execution;

/// <summary>A step that failed in an earlier attempt.</summary>
internal readonly record struct FailedStep(Guid Instance, int Node, int Visit);

/// <summary>What earlier attempts at a batch have shown, and so what the next one need not call again.</summary>
internal sealed class KnownFailures
{
    private readonly HashSet<(long VersionId, int Node)> _probed = [];

    /// <summary>Steps that fail even alone: they become incidents.</summary>
    public Dictionary<FailedStep, string> Steps { get; } = [];

    /// <summary>Nodes at which everybody fails: they are parked.</summary>
    public Dictionary<(long VersionId, int Node), string> Nodes { get; } = [];

    /// <summary>The steps that were tried at such nodes. The next attempt may claim others as well: those are still to be tried.</summary>
    public HashSet<FailedStep> AtNodes { get; } = [];

    /// <summary>The node at which the next attempt tries the contacts one by one, to tell a poisonous contact from a broken node.</summary>
    public (long VersionId, int Node)? Probe { get; private set; }

    /// <summary>Has the next attempt probe a node; false where one has.</summary>
    public bool TryProbe((long VersionId, int Node) node)
    {
        Probe = _probed.Add(node) ? node : null;
        return Probe is not null;
    }
}

/// <summary>An activity threw: the batch is rolled back and made smaller until the step that causes it stands alone.</summary>
internal sealed class ActivityException(Definitions.Node node, long versionId, IReadOnlyList<FailedStep> steps, Exception cause, bool mayBeAll)
    : Exception($"{node}: {cause.GetType().Name}: {cause.Message}", cause)
{
    /// <summary>The node at which the steps were run.</summary>
    public (long VersionId, int Node) Node { get; } = (versionId, node.Index);

    /// <summary>The steps that were run together.</summary>
    public IReadOnlyList<FailedStep> Steps { get; } = steps;

    /// <summary>Whether it may be the node that is broken and not one contact's step.</summary>
    public bool MayBeAll { get; } = mayBeAll;
}

/// <summary>A probe found that everybody fails alike at a node.</summary>
internal sealed class NodeFailedException((long VersionId, int Node) node, string reason) : Exception(reason)
{
    public (long VersionId, int Node) Node { get; } = node;
}
