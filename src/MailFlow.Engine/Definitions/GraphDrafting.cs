using System.Collections.Immutable;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Activities.Elsa;

namespace MailFlow.Engine.Definitions;

/// <summary>The making of one graph.</summary>
internal sealed class GraphDrafting
{
    private readonly WorkflowDefinition _definition;
    private readonly Findings _findings = new();
    private readonly List<ActivityElement> _elements;
    private readonly ActivityDescriptor[] _descriptors;
    private readonly IInputBinder[] _binders;
    private readonly Node[] _nodes;
    private readonly Dictionary<string, int> _indexes;
    private readonly bool[] _reachable;
    private readonly List<Edge> _edges = [];
    private readonly VariableScope _variables;
    private bool _hasUnknownTypes;

    public GraphDrafting(ActivityRegistry registry, WorkflowDefinition definition)
    {
        _definition = definition;
        _elements = [.. definition.Root.Descendants()];
        _indexes = _elements.Select((element, index) => (element.Id, index)).ToDictionary(StringComparer.Ordinal);
        _variables = new VariableScope(definition.Variables
            .Concat(definition.Root.Variables)
            .Concat(_elements.SelectMany(element => element.Variables)));
        _descriptors = [.. _elements.Select(element => registry.Find(element.Type) ?? Unknown(element))];
        var binding = new InputBinding(new InputCompiler(_variables), _findings);
        _binders = [.. _elements.Select((element, index) => binding.Bind(_descriptors[index], element))];
        _nodes = new Node[_elements.Count];
        _reachable = new bool[_elements.Count];
    }

    public GraphDraft Run()
    {
        var rules = new JourneyRulesReader(_findings).Read(_definition.CustomProperties);
        var variables = new VariableReader(_findings).Initial(_variables);
        var (start, triggers) = Flow(_definition.Root, null, isReached: true);
        var graph = start is null ? null : new Graph
        {
            DefinitionId = _definition.DefinitionId ?? "",
            Name = _definition.Name,
            Nodes = [.. _nodes],
            Edges = [.. _edges],
            Start = start,
            Triggers = triggers,
            Variables = variables,
            Rules = rules,
        };
        if (graph is null) _findings.Error(null, "no_start", "The workflow has no activities: there is nothing to start with.");
        return new GraphDraft(graph, _elements, _reachable, _hasUnknownTypes, _findings);
    }

    /// <summary>Makes the nodes of one flowchart, what is nested in it included; gives its start and its triggers.</summary>
    private (Node? Start, ImmutableArray<Node> Triggers) Flow(ActivityElement flowchart, Node? scope, bool isReached)
    {
        var members = flowchart.Activities.Select(element => _indexes[element.Id]).ToArray();
        if (members.Length == 0) return (null, []);
        var places = members.Select((index, place) => (index, place)).ToDictionary();
        var connections = new ConnectionReader(_findings, flowchart, _indexes, places).Read();
        var hasInbound = new bool[members.Length];
        foreach (var connection in connections) hasInbound[connection.Target] = true;

        var start = FlowStart.Of(flowchart, hasInbound);
        var triggers = scope is not null ? [] : Enumerable.Range(0, members.Length)
            .Where(place => _descriptors[members[place]].Trigger is not null)
            .Where(place => flowchart.Activities[place].Flag("canStartWorkflow") == true || !hasInbound[place])
            .ToArray();
        var shape = new FlowShape(
            members.Length, [.. connections.Select(connection => (connection.Source, connection.Target))], [start, .. triggers.Where(each => each != start)]);

        for (var place = 0; place < members.Length; place++)
        {
            var index = members[place];
            _reachable[index] = isReached && shape.Reachable[place];
            _nodes[index] = NodeOf(index, scope, Upstream(members, shape.Upstream(place)));
        }
        Connect(members, connections, shape);
        foreach (var index in members.Where(index => _elements[index].IsFlowchart))
            _nodes[index].InnerStart = Flow(_elements[index], _nodes[index], _reachable[index]).Start;
        return (_nodes[members[start]], [.. triggers.Select(place => _nodes[members[place]])]);
    }

    private Node NodeOf(int index, Node? scope, bool[] upstream)
    {
        var (element, descriptor, binder) = (_elements[index], _descriptors[index], _binders[index]);
        return new Node
        {
            Index = index,
            Id = element.Id,
            Type = element.Type,
            Title = element.Title,
            Activity = new ActivityBinding(descriptor, binder),
            InputsHash = StableHash.Key([.. descriptor.Inputs.SelectMany(input => new[] { input.Name, element.InputText(input.Name) })]),
            Merge = MergeOf(element, descriptor, binder),
            Outcomes = descriptor.OutcomesFrom is { } input ? [.. InputBinding.Outcomes(element, input), .. descriptor.Outcomes] : descriptor.Outcomes,
            Scope = scope,
            Upstream = upstream,
        };
    }

    /// <summary>By node of the whole definition; what is inside a nested flowchart counts where the flowchart stands.</summary>
    private bool[] Upstream(int[] members, bool[] byPlace)
    {
        var upstream = new bool[_elements.Count];
        for (var place = 0; place < members.Length; place++)
        {
            if (!byPlace[place]) continue;
            upstream[members[place]] = true;
            foreach (var inside in _elements[members[place]].Descendants()) upstream[_indexes[inside.Id]] = true;
        }
        return upstream;
    }

    private void Connect(int[] members, IReadOnlyList<FlowConnection> connections, FlowShape shape)
    {
        var edges = connections
            .Select((connection, at) => new Edge(
                _edges.Count + at, _nodes[members[connection.Source]], connection.Port, _nodes[members[connection.Target]], shape.Backward[at]))
            .ToList();
        _edges.AddRange(edges);
        foreach (var index in members)
        {
            var node = _nodes[index];
            node.Outbound = [.. edges.Where(edge => edge.Source == node)];
            node.Inbound = [.. edges.Where(edge => edge.Target == node)];
            node.ForwardInbound = node.Inbound.Count(edge => !edge.Backward);
        }
    }

    /// <summary>What <c>customProperties.mergeMode</c> says, else what a join's mode means.</summary>
    private MergeMode MergeOf(ActivityElement element, ActivityDescriptor descriptor, IInputBinder binder)
    {
        if (element.CustomProperty("mergeMode").AsText() is { Length: > 0 } written && !ValueConversion.SameName(written, "None"))
        {
            foreach (var mode in Enum.GetValues<MergeMode>())
                if (ValueConversion.SameName(written, mode.ToString())) return mode;
            _findings.Error(element, "bad_merge_mode", $"“{element.Title}” has the merge mode '{written}': it can be None, {string.Join(", ", Enum.GetNames<MergeMode>())}.");
        }
        if (descriptor.Class != typeof(FlowJoin)) return MergeMode.Stream;
        switch (binder.ConstantOf("mode"))
        {
            case FlowJoinMode.WaitAll: return MergeMode.Merge;
            // Elsa's counter mode gives it this meaning; token mode has no join of its own for the branches still alive.
            case FlowJoinMode.WaitAllActive: return MergeMode.Stream;
            case null:
                _findings.Error(element, "ill_typed_input", $"The mode of “{element.Title}” must be a fixed choice.", "mode");
                break;
        }
        return MergeMode.Race;
    }

    /// <summary>Stands in for an activity we do not know, so that the rest of the definition can be looked at.</summary>
    private ActivityDescriptor Unknown(ActivityElement element)
    {
        _hasUnknownTypes = true;
        var message = element.Type.StartsWith("Elsa.", StringComparison.Ordinal)
            ? $"“{element.Title}” is of Elsa's type {element.Type}, which is not supported by MailFlow."
            : $"“{element.Title}” is of the type {element.Type}, which MailFlow does not know.";
        _findings.Error(element, "unknown_activity", message);
        return UnknownActivity.Describe(element);
    }
}
