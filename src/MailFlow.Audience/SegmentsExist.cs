using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience;

/// <summary>Refuses to publish a journey that names a segment which is not there.</summary>
internal sealed class SegmentsExist(Segments segments) : IPublishCheck
{
    public async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct)
    {
        var named = new List<(Node Node, string Input, string Key)>();
        foreach (var node in graph.Nodes)
            foreach (var input in node.Activity.Descriptor.Inputs.Where(input => input.ChoicesFrom == "segments"))
                if (node.Activity.Inputs.ConstantOf(input.Name) is string { Length: > 0 } key) named.Add((node, input.Name, key));
        var audience = graph.Rules.Audience;
        var existing = await segments.ExistingAsync(session, accountId, [.. named.Select(each => each.Key).Concat(audience is null ? [] : [audience])], ct);
        var findings = named.Where(each => !existing.Contains(each.Key)).Select(each =>
            new Finding(Severity.Error, each.Node.Id, each.Node.Title, each.Input, "unknown_segment", $"There is no segment '{each.Key}'.")).ToList();
        if (audience is not null && !existing.Contains(audience))
            findings.Add(new Finding(Severity.Error, null, null, null, "unknown_segment", $"The journey's audience is the segment '{audience}', and there is none of that key."));
        return findings;
    }
}
