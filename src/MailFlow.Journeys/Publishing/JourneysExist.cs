using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys.Activities;

namespace MailFlow.Journeys.Publishing;

/// <summary>Finds journeys that are to be started but are not there. One that is not published yet may be published next, so that is a warning.</summary>
internal sealed class JourneysExist : IPublishCheck
{
    public async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct)
    {
        var named = graph.Nodes.Where(node => node.Activity.Descriptor.Class == typeof(StartJourney))
            .Select(node => (Node: node, Journey: node.Activity.Inputs.ConstantOf("journey") as string))
            .Where(start => start.Journey is not null && start.Journey != graph.DefinitionId).ToList();
        var known = (await session.QueryAsync("""
            SELECT j.definition_id, j.published_version_id IS NOT NULL FROM {rows} JOIN journey j ON j.account_id = @account AND j.definition_id = r.id
            """,
            new Rows<string>([.. named.Select(start => start.Journey!).Distinct()]).Text("id", id => id), row => (Id: row.Text(0), IsPublished: row.Bool(1)),
            ct, ("account", accountId))).ToDictionary(journey => journey.Id, journey => journey.IsPublished);
        return [.. named.Where(start => !known.GetValueOrDefault(start.Journey!)).Select(start => known.ContainsKey(start.Journey!)
            ? Of(start.Node, Severity.Warning, "journey_unpublished", $"“{start.Node.Title}” starts the journey '{start.Journey}', which is not published: until it is, nothing starts.")
            : Of(start.Node, Severity.Error, "unknown_journey", $"“{start.Node.Title}” starts the journey '{start.Journey}', which does not exist."))];
    }

    private static Finding Of(Node node, Severity severity, string code, string message) => new(severity, node.Id, node.Title, "journey", code, message);
}
