using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailFlow.Server.Tests.Elsa;

/// <summary>
/// What the real Studio does with a definition between loading and saving it (measured): it keeps the members of its typed model only, brings numbers through
/// a browser, measures nodes anew, shuffles connections and drops what it does not know of them.
/// </summary>
internal sealed class StudioPage(HttpClient client)
{
    private static readonly string[] ModelMembers =
        ["definitionId", "name", "description", "toolVersion", "variables", "inputs", "outputs", "outcomes", "customProperties", "options", "createdAt", "version", "isLatest", "isPublished", "id"];

    /// <summary>The definition as the server shows it.</summary>
    public JsonObject Definition { get; private set; } = [];

    public JsonObject Root => (JsonObject)Definition["root"]!;

    public JsonArray Activities => (JsonArray)Root["activities"]!;

    public static async Task<StudioPage> OpenAsync(HttpClient client, string definitionId)
    {
        var page = new StudioPage(client);
        page.Definition = (JsonObject)JsonNode.Parse(await client.GetStringAsync($"/elsa/api/workflow-definitions/by-definition-id/{definitionId}?versionOptions=Latest"))!;
        return page;
    }

    public JsonObject Activity(string id) => Activities.OfType<JsonObject>().Single(activity => activity["id"]!.GetValue<string>() == id);

    /// <summary>Saves what is on the canvas; what the server answers is what the next save builds on.</summary>
    public async Task<HttpResponseMessage> SaveAsync(bool publish = false)
    {
        var answer = await client.PostAsJsonAsync("/elsa/api/workflow-definitions", new JsonObject { ["model"] = Model(Definition), ["publish"] = publish });
        if (answer.IsSuccessStatusCode)
        {
            var saved = (JsonObject)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["workflowDefinition"]!;
            var canvas = Root.DeepClone();
            Definition = (JsonObject)saved.DeepClone();
            Definition["root"] = canvas;
        }
        return answer;
    }

    /// <summary>The red messages that Studio shows for an answer: none for any other than a 400 of the right form.</summary>
    public static async Task<IReadOnlyList<string>> MessagesAsync(HttpResponseMessage answer)
    {
        if ((int)answer.StatusCode != 400) return [];
        using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return [.. problem.RootElement.GetProperty("errors").GetProperty("model.root").EnumerateArray().Select(message => message.GetString()!)];
    }

    /// <summary>What Studio posts of a definition that it was shown.</summary>
    public static JsonObject Model(JsonObject shown)
    {
        var model = new JsonObject();
        foreach (var member in ModelMembers) model[member] = shown[member]?.DeepClone();
        model["variables"] = new JsonArray([.. ((JsonArray)shown["variables"]!).Select(variable => (JsonNode)Only((JsonObject)variable!, "id", "name", "typeName", "isArray", "value", "storageDriverTypeName"))]);
        model["isReadonly"] = false;
        model["links"] = null;
        model["root"] = Flowchart((JsonObject)shown["root"]!);
        return model;
    }

    private static JsonObject Flowchart(JsonObject shown)
    {
        var root = (JsonObject)ThroughBrowser(shown)!;
        foreach (var activity in (JsonArray)root["activities"]!)
        {
            var at = (JsonObject)activity!;
            if (at["type"]!.GetValue<string>() == "Elsa.Flowchart") continue;
            if (at["metadata"] is not JsonObject metadata) at["metadata"] = metadata = [];
            if (metadata["designer"] is not JsonObject designer) metadata["designer"] = designer = [];
            designer["position"] ??= new JsonObject { ["x"] = 0, ["y"] = 0 };
            designer["size"] = new JsonObject { ["width"] = 219.609375, ["height"] = 60 };
        }
        var connections = ((JsonArray)root["connections"]!).Select(connection => (JsonNode)Only((JsonObject)connection!, "source", "target", "vertices")).Reverse().ToArray();
        root["connections"] = new JsonArray([.. connections.Select(connection => connection.DeepClone())]);
        return root;
    }

    private static JsonNode? ThroughBrowser(JsonNode? node) => node switch
    {
        JsonObject json => new JsonObject(json.Select(member => KeyValuePair.Create(member.Key, ThroughBrowser(member.Value)))),
        JsonArray list => new JsonArray([.. list.Select(ThroughBrowser)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number =>
            double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) is var number && double.IsFinite(number) ? JsonNode.Parse((number == 0 ? 0 : number).ToString("R", CultureInfo.InvariantCulture)) : null,
        _ => node?.DeepClone(),
    };

    private static JsonObject Only(JsonObject json, params string[] members)
    {
        var only = new JsonObject();
        foreach (var member in members) only[member] = json[member]?.DeepClone();
        return only;
    }
}
