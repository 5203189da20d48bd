using MailFlow.Audience.Activities;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience;

/// <summary>Refuses to publish a journey that names a segment which is not there.</summary>
internal sealed class SegmentsExist(Segments segments) : IPublishCheck
{
    public async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct)
    {
        var named = new List<(Node Node, string Key)>();
        foreach (var node in graph.Nodes.Where(node => node.Activity.Descriptor.Class == typeof(EvaluateSegment)))
            if (node.Activity.Inputs.ConstantOf("segment") is string key) named.Add((node, key));
        if (named.Count == 0) return [];
        var existing = await segments.ExistingAsync(session, accountId, [.. named.Select(pair => pair.Key)], ct);
        return [.. named.Where(pair => !existing.Contains(pair.Key)).Select(pair =>
            new Finding(Severity.Error, pair.Node.Id, pair.Node.Title, "segment", "unknown_segment", $"There is no segment '{pair.Key}'."))];
    }
}
