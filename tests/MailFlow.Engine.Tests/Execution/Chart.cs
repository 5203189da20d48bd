using System.Globalization;
using System.Text.Json.Nodes;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>What an activity of a <see cref="Chart"/> does.</summary>
internal enum ChartKind { Trigger, Say, If, Wait, On, Fork, Join, End, Finish }

/// <summary>What a decision can see of the contact.</summary>
internal sealed record ChartView(string? Plan, long? Total, IReadOnlyDictionary<string, int> Counts);

/// <summary>A condition, once as the definition writes it and once as a delegate.</summary>
internal sealed record ChartRule(string Text, Func<ChartView, bool> Holds);

/// <summary>An activity. <paramref name="Value"/>: an event's type, a join's mode; <paramref name="MergeMode"/>: what customProperties say.</summary>
internal sealed record ChartNode(ChartKind Kind, string? Value = null, TimeSpan Delay = default, int Branches = 0, ChartRule? Rule = null, string? MergeMode = null)
{
    public bool IsTerminal => Kind is ChartKind.End or ChartKind.Finish;

    public bool Waits => Kind is ChartKind.Wait or ChartKind.On;

    public IReadOnlyList<string> Ports => Kind switch
    {
        ChartKind.If => ["True", "False"],
        ChartKind.Fork => [.. Enumerable.Range(1, Branches).Select(branch => $"b{branch}")],
        ChartKind.End or ChartKind.Finish => [],
        _ => ["Done"],
    };
}

internal sealed record ChartEdge(int From, string Port, int To);

/// <summary>A flowchart with its journey's rules: few enough kinds of things to be interpreted in the plainest way.</summary>
internal sealed record Chart(string Name, IReadOnlyList<ChartNode> Nodes, IReadOnlyList<ChartEdge> Edges, string Entry, string? ExitOn)
{
    public string Id(int node) => $"{Nodes[node].Kind.ToString().ToLowerInvariant()}{node}";

    public string Rules => ExitOn is null ? $$"""{"entry":"{{Entry}}"}""" : $$"""{"entry":"{{Entry}}","exit_when":"event.event_type == '{{ExitOn}}'"}""";

    public string Activities => string.Join(' ', Nodes.Select((node, index) => node.Kind switch
    {
        ChartKind.Trigger or ChartKind.On => $"on:{Id(index)}:{node.Value}",
        ChartKind.Wait => $"wait:{Id(index)}:{node.Delay.ToString("c", CultureInfo.InvariantCulture)}",
        ChartKind.If => $"if:{Id(index)}:{node.Rule!.Text}",
        ChartKind.Fork => $"fork:{Id(index)}:[{string.Join(',', node.Ports.Select(port => $"\"{port}\""))}]",
        ChartKind.Join => $"join:{Id(index)}:{node.Value}",
        ChartKind.Say => $"say:{Id(index)}",
        _ => $"{node.Kind}:{Id(index)}",
    }));

    public IReadOnlyList<string> Connections => [.. Edges.Select(edge => $"{Id(edge.From)} -{(edge.Port == "Done" ? "" : edge.Port)}-> {Id(edge.To)}")];

    public string ToJson()
    {
        var json = JsonNode.Parse(Flows.Named(Name, Flows.With(Rules, Activities, [.. Connections])))!;
        var activities = json["root"]!["activities"]!.AsArray();
        for (var node = 0; node < Nodes.Count; node++)
            if (Nodes[node].MergeMode is { } mode) activities[node]!["customProperties"] = new JsonObject { ["mergeMode"] = mode };
        return json.ToJsonString();
    }

    public override string ToString() => $"""
        Flows.With(@'{Rules}', @'{Activities}',
          {string.Join(", ", Connections.Select(connection => $"\"{connection}\""))}) merge modes: {string.Join(", ", Nodes.Select((node, index) => (node, index)).Where(pair => pair.node.MergeMode is not null).Select(pair => $"{Id(pair.index)}={pair.node.MergeMode}"))}
        """;
}
