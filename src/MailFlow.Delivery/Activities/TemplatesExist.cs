using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Activities;

/// <summary>A journey whose e-mails have no template, or a mere layout, is not published.</summary>
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
        var keys = named.Select(send => send.Template!).Distinct().ToList();
        var existing = await templates.ExistingAsync(session, accountId, keys, ct);
        var layouts = await templates.LayoutsAmongAsync(session, accountId, keys, ct);
        return [.. named.Select(send => Check(send.Node, send.Template!)).OfType<Finding>()];

        Finding? Check(Node node, string template) =>
            !existing.Contains(template) ? Found(node, "unknown_template", $"“{node.Title}” sends the template '{template}', which does not exist: make it first, or choose another.")
            : layouts.Contains(template) ? Found(node, "template_is_layout", $"“{node.Title}” sends the template '{template}', which is a layout and no mail of its own: choose a template that stands in it.")
            : null;
    }

    private static Finding Found(Node node, string code, string message) => new(Severity.Error, node.Id, node.Title, "template", code, message);
}
