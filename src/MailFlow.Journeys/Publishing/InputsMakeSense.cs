using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys.Activities;

namespace MailFlow.Journeys.Publishing;

/// <summary>Refuses inputs that would make every contact an incident: known before the publish wherever they depend on no contact.</summary>
internal sealed class InputsMakeSense : IPublishCheck
{
    public Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([.. graph.Nodes.Select(Check).OfType<Finding>()]);

    private static Finding? Check(Node node)
    {
        var problem = node.Activity.Inputs.Constant switch
        {
            WaitUntil.Input input => WaitUntil.Problem(input),
            RandomSplit.Input input => RandomSplit.Problem(input.Branches),
            CallWebhook.Input input => CallWebhook.Problem(input),
            _ => null,
        };
        return problem is null ? null : new Finding(Severity.Error, node.Id, node.Title, null, "invalid_input", $"“{node.Title}” {problem}.");
    }
}
