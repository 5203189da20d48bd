using System.Globalization;
using System.Text.Json.Nodes;
using MailFlow.Data;

namespace MailFlow.Engine.Definitions;

/// <summary>What a server decides about a saved definition: everything else in it is the author's.</summary>
/// <param name="DefinitionId">Stable across versions.</param>
/// <param name="Id">This version's id.</param>
/// <param name="Version">From 1.</param>
/// <param name="IsLatest">Whether no newer version exists.</param>
/// <param name="IsPublished">Whether this is the published version.</param>
/// <param name="CreatedAt">When this version was made.</param>
public sealed record DefinitionStamp(string DefinitionId, string Id, int Version, bool IsLatest, bool IsPublished, DateTimeOffset CreatedAt);

/// <summary>
/// A workflow definition as Elsa 3 writes it. The JSON tree itself is kept and read from, so that unknown members, designer
/// positions, variables and the order of members come back as they came. Immutable and safe for many readers.
/// </summary>
public sealed class WorkflowDefinition
{
    /// <summary>The most activities a definition may have, those of nested flowcharts included.</summary>
    public const int MostActivities = 1_000;

    private readonly JsonObject _document;

    private WorkflowDefinition(JsonObject document)
    {
        _document = document;
        Root = FlowchartReader.Read(document);
        Variables = VariableElement.ReadAll(document.Member("variables"));
        CustomProperties = document.Member("customProperties") as JsonObject;
    }

    /// <summary>The definition's id, stable across versions; null in a new one.</summary>
    public string? DefinitionId => _document.Text("definitionId");

    /// <summary>The id of this version; null in a new one.</summary>
    public string? Id => _document.Text("id");

    /// <summary>The version, from 1.</summary>
    public int Version =>
        int.TryParse(_document.Member("version")?.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 1;

    /// <summary>What people call it: its name, else its definition id.</summary>
    public string Name => _document.Text("name") is { Length: > 0 } name ? name : DefinitionId ?? "Workflow";

    /// <summary>What it is for, or null.</summary>
    public string? Description => _document.Text("description");

    /// <summary>How many activities it has, those of nested flowcharts included.</summary>
    public int ActivityCount => Root.Descendants().Count();

    internal ActivityElement Root { get; }

    internal IReadOnlyList<VariableElement> Variables { get; }

    internal JsonObject? CustomProperties { get; }

    /// <summary>
    /// Reads a definition. What it says need not be sound (that is the linter's to find), but it must be a definition.
    /// </summary>
    /// <exception cref="InvalidInputException">
    /// No JSON object (with line and position), over 2 MB or 1,000 activities, nested too deep, without a root, with a root that is
    /// no flowchart, with an activity that has no id or type, or with the same id twice. The field is the JSON path.
    /// </exception>
    public static WorkflowDefinition Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new WorkflowDefinition(DefinitionText.Parse(json));
    }

    /// <summary>Writes the definition as JSON; indented as people like to read it, or compact.</summary>
    public string ToJson(bool indented = false) =>
        _document.ToJsonString(indented ? DefinitionJson.Indented : DefinitionJson.Compact);

    /// <summary>A copy of the JSON tree, the caller's own to change.</summary>
    public JsonObject ToJsonObject() => (JsonObject)_document.DeepClone();

    /// <summary>
    /// The same definition with the server's stamp, and with every <c>nodeId</c> recomputed (<c>Workflow1:{root id}:{activity id}</c>,
    /// which Studio keys its badges by). Nothing else changes.
    /// </summary>
    public WorkflowDefinition With(DefinitionStamp stamp)
    {
        var document = ToJsonObject();
        Set(document, "id", stamp.Id);
        Set(document, "definitionId", stamp.DefinitionId);
        Set(document, "createdAt", stamp.CreatedAt.ToString("O", CultureInfo.InvariantCulture));
        Set(document, "version", stamp.Version);
        Set(document, "isLatest", stamp.IsLatest);
        Set(document, "isPublished", stamp.IsPublished);
        SetNodeIds(FlowchartReader.Read(document), "Workflow1");
        return new WorkflowDefinition(document);
    }

    /// <summary>The same definition under another name.</summary>
    public WorkflowDefinition WithName(string name)
    {
        var document = ToJsonObject();
        Set(document, "name", name);
        return new WorkflowDefinition(document);
    }

    /// <summary>A hash of what the author said: the same whenever <see cref="Same"/> holds, in every process and version.</summary>
    public Guid ContentHash => DefinitionContent.Hash(_document);

    /// <summary>Whether two definitions say the same: equal but for the stamp, node ids, and the order of members.</summary>
    public static bool Same(WorkflowDefinition a, WorkflowDefinition b) =>
        DefinitionContent.Canonical(a._document) == DefinitionContent.Canonical(b._document);

    private static void SetNodeIds(ActivityElement activity, string parent)
    {
        var path = $"{parent}:{activity.Id}";
        if (activity.Json.MemberName("nodeId") is { } written) activity.Json[written] = path;
        else activity.Json.Insert(activity.Json.MemberName("id") is { } id ? activity.Json.IndexOf(id) + 1 : 0, "nodeId", path);
        foreach (var child in activity.Activities) SetNodeIds(child, path);
    }

    private static void Set(JsonObject json, string name, JsonNode value) => json[json.MemberName(name) ?? name] = value;
}
