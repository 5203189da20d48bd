using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Definitions;

/// <summary>Refuses inputs that would make every contact an incident (<see cref="ICheckedInput"/>).</summary>
internal sealed class InputsMakeSense : IPublishCheck
{
    public Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([.. graph.Nodes.Select(Check).OfType<Finding>()]);

    private static Finding? Check(Node node) => node.Activity.Inputs.Constant is ICheckedInput input && input.Problem() is { } problem
        ? new Finding(Severity.Error, node.Id, node.Title, null, "invalid_input", $"“{node.Title}” {problem}.")
        : null;
}
