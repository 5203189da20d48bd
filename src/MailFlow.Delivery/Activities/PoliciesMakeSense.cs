using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Activities;

/// <summary>Refuses quiet hours and caps that would make every contact an incident.</summary>
internal sealed class PoliciesMakeSense : IPublishCheck
{
    public Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([.. graph.Nodes.Select(Check).OfType<Finding>()]);

    private static Finding? Check(Node node)
    {
        var problem = node.Activity.Inputs.Constant switch
        {
            QuietHours.Input input => QuietHours.Problem(input),
            FrequencyCap.Input { Messages: < 1 } input => $"messages: {input.Messages} is not 1 or more",
            _ => null,
        };
        return problem is null ? null : new Finding(Severity.Error, node.Id, node.Title, null, "invalid_input", $"“{node.Title}” {problem}.");
    }
}
