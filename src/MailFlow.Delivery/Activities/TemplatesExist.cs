using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Activities;

/// <summary>A journey whose e-mails have no template is not published.</summary>
internal sealed class TemplatesExist(Templates templates) : IPublishCheck
{
    public async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct)
    {
        var named = graph.Nodes
            .Where(node => node.Activity.Descriptor.Class == typeof(SendEmail))
            .Select(node => (Node: node, Template: node.Activity.Inputs.ConstantOf("template") as string))
            .Where(send => send.Template is not null)
            .ToList();
        if (named.Count == 0) return [];
        var existing = await templates.ExistingAsync(session, accountId, [.. named.Select(send => send.Template!).Distinct()], ct);
        return [.. named.Where(send => !existing.Contains(send.Template!)).Select(send => new Finding(
            Severity.Error, send.Node.Id, send.Node.Title, "template", "unknown_template",
            $"“{send.Node.Title}” sends the template '{send.Template}', which does not exist: make it first, or choose another."))];
    }
}
