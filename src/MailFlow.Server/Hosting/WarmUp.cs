using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Server.Nodes;

namespace MailFlow.Server.Hosting;

/// <summary>
/// Runs each part of an event's way once with nothing to do, before anybody waits for it: a first mail would otherwise pay for compiling
/// the code and the templates on its way. Only what the node does: to warm up is to do a first round.
/// </summary>
internal sealed class WarmUp(Templates templates, TemplateRenderer renderer, EventIntake intake, Worker worker, MessageSender sender, NodeRoles roles)
{
    private static readonly IReadOnlyDictionary<string, object?> Nobody = new Dictionary<string, object?>
    {
        ["contact"] = JsonData.Empty,
        ["event"] = JsonData.Empty,
        ["sender"] = new Dictionary<string, object?> { ["postal_address"] = "-" },
        ["unsubscribe_url"] = "https://localhost/",
        ["preferences_url"] = "https://localhost/",
    };

    public async Task RunAsync(int accountId, CancellationToken ct)
    {
        await intake.AcceptAsync(accountId, [], ct);
        if (roles.Has(NodeRoles.Worker)) await worker.RunOnceAsync(0, ct);
        if (!roles.Has(NodeRoles.Sender)) return;
        await sender.RunOnceAsync(ct);
        foreach (var template in (await templates.ListAsync(accountId, null, 20, ct)).Items)
        {
            try
            {
                await renderer.RenderAsync(accountId, template.Key, template.Version, Nobody, MessageStream.Transactional, null, ct);
            }
            catch (RenderException)
            {
                // It wants more than nobody has. Now it is compiled all the same.
            }
        }
    }
}
