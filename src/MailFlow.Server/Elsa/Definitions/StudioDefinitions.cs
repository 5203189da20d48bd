using System.Globalization;
using System.Text.Json.Nodes;
using MailFlow.Journeys;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Stored definitions as Studio's lists and editor are answered.</summary>
internal sealed class StudioDefinitions(StudioForm form)
{
    /// <summary>The whole definition. With a token and the right to edit, Studio lets it be edited.</summary>
    public JsonObject Whole(StoredDefinition stored, StudioRights rights, EditingToken? token)
    {
        var document = form.Of(stored.Definition);
        StudioForm.LeaveOutUndrawable((JsonObject)document["root"]!);
        token?.Put(document);
        document["links"] = Links(stored, rights);
        return document;
    }

    /// <summary>A line of a list.</summary>
    public static JsonObject Summary(StoredDefinition stored, StudioRights rights)
    {
        var definition = stored.Definition;
        return new JsonObject
        {
            ["id"] = stored.Id.ToString(CultureInfo.InvariantCulture),
            ["definitionId"] = stored.DefinitionId,
            ["name"] = definition.Name,
            ["description"] = definition.Description,
            ["version"] = stored.Version,
            ["toolVersion"] = StudioForm.ToolVersion,
            ["isLatest"] = stored.IsLatest,
            ["isPublished"] = stored.IsPublished,
            ["isReadonly"] = false,
            ["providerName"] = null,
            ["materializerName"] = "Json",
            ["isMaterializerAvailable"] = true,
            ["createdAt"] = stored.CreatedAt.ToString("O", CultureInfo.InvariantCulture),
            ["links"] = Links(stored, rights),
        };
    }

    /// <summary>A page of a list. Without the link, Studio shows no button that changes anything.</summary>
    public static JsonObject Page(IReadOnlyList<JsonObject> items, int total, StudioRights rights)
    {
        var links = new JsonArray(Link("/workflow-definitions", "self", "GET"));
        if (rights.MayEdit)
        {
            links.Add(Link("/bulk-actions/publish/workflow-definitions/by-definition-ids", "bulk-publish", "POST"));
            links.Add(Link("/bulk-actions/retract/workflow-definitions/by-definition-ids", "bulk-retract", "POST"));
            links.Add(Link("/bulk-actions/delete/workflow-definitions/by-definition-id", "bulk-delete", "POST"));
        }
        return new JsonObject { ["items"] = new JsonArray([.. items]), ["totalCount"] = total, ["links"] = links };
    }

    /// <summary>Studio is read-only without the link "publish", so whoever may edit gets it; whether the publish is allowed is asked when it comes.</summary>
    private static JsonArray Links(StoredDefinition stored, StudioRights rights)
    {
        var path = $"/workflow-definitions/{Uri.EscapeDataString(stored.DefinitionId)}";
        var links = new JsonArray(Link(path, "self", "GET"));
        if (!rights.MayEdit) return links;
        links.Add(Link($"{path}/publish", "publish", "POST"));
        links.Add(Link($"{path}/retract", "retract", "POST"));
        links.Add(Link(path, "delete", "DELETE"));
        return links;
    }

    private static JsonObject Link(string href, string rel, string method) => new() { ["href"] = href, ["rel"] = rel, ["method"] = method };
}
