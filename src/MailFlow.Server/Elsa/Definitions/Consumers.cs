using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Finds the journeys that start another one.</summary>
internal sealed class Consumers(ActivityRegistry registry)
{
    /// <summary>The ids of those that name the journey in an input.</summary>
    public IReadOnlyList<string> Of(string definitionId, IEnumerable<StoredDefinition> journeys) =>
        [.. journeys.Where(journey => journey.DefinitionId != definitionId && Names(StandardForm.Of(journey.Definition, registry)["root"] as JsonObject, definitionId)).Select(journey => journey.DefinitionId)];

    private bool Names(JsonObject? flowchart, string definitionId) =>
        (flowchart?["activities"] as JsonArray ?? []).OfType<JsonObject>().Any(activity => Names(activity, definitionId)
            || registry.Find(activity.Text("type") ?? "")?.Inputs.Any(input =>
                input.ChoicesFrom == "journeys" && activity.Object(input.Name)?.Object("expression")?["value"].Text() == definitionId) == true);
}
