using System.Collections.Immutable;

namespace MailFlow.Engine.Definitions;

/// <summary>How an activity treats the tokens that arrive on its inbound connections (Elsa's token mode).</summary>
public enum MergeMode
{
    /// <summary>Waits for the branches that are still alive upstream, runs once (the default; Elsa's <c>Stream</c>).</summary>
    Stream,

    /// <summary>Waits for a token on every forward inbound connection; where there is but one, runs for every token.</summary>
    Merge,

    /// <summary>Waits for a token on every inbound connection, backward ones too.</summary>
    Converge,

    /// <summary>Runs once for every token.</summary>
    Cascade,

    /// <summary>The first token wins; what is still alive upstream is cancelled.</summary>
    Race,
}

/// <summary>
/// A workflow definition made ready to run: immutable, shared by every instance of its version. Nodes are numbered in the
/// order of the definition, so their numbers are stable for a version and stand in the instances' state.
/// </summary>
public sealed class Graph
{
    /// <summary>The definition's id, stable across versions.</summary>
    public required string DefinitionId { get; init; }

    /// <summary>The definition's name.</summary>
    public required string Name { get; init; }

    /// <summary>All nodes, those of nested flowcharts included; a node's index is its place here.</summary>
    public required ImmutableArray<Node> Nodes { get; init; }

    /// <summary>All connections, by <see cref="Edge.Index"/>.</summary>
    public required ImmutableArray<Edge> Edges { get; init; }

    /// <summary>Where an instance starts that no trigger started (Elsa's order: explicit start, a Start activity, the first that can start, the first without inbound connections, the first).</summary>
    public required Node Start { get; init; }

    /// <summary>The triggers that start instances.</summary>
    public required ImmutableArray<Node> Triggers { get; init; }

    /// <summary>The variables' initial values by name.</summary>
    public required IReadOnlyDictionary<string, object?> Variables { get; init; }

    /// <summary>The journey's rules.</summary>
    public required JourneyRules Rules { get; init; }

    /// <summary>The node with an activity id, or null.</summary>
    public Node? Find(string activityId) => Nodes.FirstOrDefault(node => node.Id == activityId);
}

/// <summary>One activity of a definition.</summary>
public sealed class Node
{
    /// <summary>Its place in <see cref="Graph.Nodes"/>.</summary>
    public required int Index { get; init; }

    /// <summary>Its id in the definition.</summary>
    public required string Id { get; init; }

    /// <summary>Its type name.</summary>
    public required string Type { get; init; }

    /// <summary>What a person calls it: its display text, else its name, else its id.</summary>
    public required string Title { get; init; }

    /// <summary>The activity and its bound inputs.</summary>
    public required ActivityBinding Activity { get; init; }

    /// <summary>What its inputs say, hashed: the same in two versions where nothing about them was changed.</summary>
    public required Guid InputsHash { get; init; }

    /// <summary>How inbound tokens are merged. Of a node with one inbound forward connection it does not matter, unless it was said explicitly.</summary>
    public required MergeMode Merge { get; init; }

    /// <summary>The nested flowchart this node stands in; null in the outermost.</summary>
    public Node? Scope { get; internal set; }

    /// <summary>The exit ports it can leave by, those that its inputs name included. Empty where nothing can follow.</summary>
    public required IReadOnlyList<string> Outcomes { get; init; }

    /// <summary>Of a nested flowchart: where it starts; null in an empty one, which is done at once.</summary>
    public Node? InnerStart { get; internal set; }

    /// <summary>Its outbound connections in the definition's order.</summary>
    public ImmutableArray<Edge> Outbound { get; internal set; } = [];

    /// <summary>Its inbound connections, backward ones included.</summary>
    public ImmutableArray<Edge> Inbound { get; internal set; } = [];

    /// <summary>How many of <see cref="Inbound"/> are forward.</summary>
    public int ForwardInbound { get; internal set; }

    /// <summary>By node index: whether a token there can still reach this node along forward connections (tokens inside a nested flowchart count where the flowchart stands).</summary>
    public required bool[] Upstream { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Title} ({Type})";
}

/// <summary>A connection.</summary>
/// <param name="Index">Its place among all connections of the definition.</param>
/// <param name="Source">From.</param>
/// <param name="Outcome">The exit port; a missing port means "Done".</param>
/// <param name="Target">To.</param>
/// <param name="Backward">Whether it closes a loop.</param>
public sealed record Edge(int Index, Node Source, string Outcome, Node Target, bool Backward)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Source.Id}.{Outcome} -> {Target.Id}";
}
