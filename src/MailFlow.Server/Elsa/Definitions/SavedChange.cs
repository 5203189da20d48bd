using System.Text.Json.Nodes;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>
/// What the author changed, put into what is stored. Studio sends the whole definition as its own model holds it: without the members it does not
/// know, with its own spelling of those it does. So a member that came back as it was shown is left as it is stored, and one that did not come back
/// at all is restored. Order is the stored one: Studio shuffles connections, and the engine follows them in order.
/// </summary>
/// <param name="stored">The latest version, as stored.</param>
/// <param name="shown">The same as Studio was shown it, told back in the engine's words.</param>
/// <param name="sent">What Studio sent, told back in the engine's words.</param>
internal sealed class SavedChange(JsonObject stored, JsonObject shown, JsonObject sent)
{
    /// <summary>The server stamps these; they are no change.</summary>
    private static readonly HashSet<string> NotTheAuthors = ["id", "definitionId", "version", "createdAt", "isLatest", "isPublished", "links", "isReadonly", "isSystem"];

    private readonly Dictionary<string, JsonObject> _storedById = ById(Root(stored)), _shownById = ById(Root(shown));

    /// <summary>What is to be stored.</summary>
    public JsonObject Apply()
    {
        var result = (JsonObject)stored.DeepClone();
        foreach (var (name, value) in sent)
        {
            if (NotTheAuthors.Contains(name)) continue;
            switch (name)
            {
                case "root" when value is JsonObject root && Root(stored) is { } storedRoot && Root(shown) is { } shownRoot:
                    Put(result, name, Flowchart(storedRoot, shownRoot, root));
                    break;
                case "variables" or "inputs" or "outputs" when value is JsonArray list:
                    if (!Same(value, shown[name])) Put(result, name, Items(Member(stored, name) as JsonArray, shown[name] as JsonArray, list));
                    break;
                default:
                    Take(result, name, Member(stored, name), shown, value);
                    break;
            }
        }
        return result;
    }

    private JsonObject Flowchart(JsonObject storedChart, JsonObject shownChart, JsonObject sentChart)
    {
        var result = Activity(storedChart, shownChart, sentChart);
        var activities = (sentChart["activities"] as JsonArray ?? []).OfType<JsonObject>().ToDictionary(Id, StringComparer.Ordinal);
        var order = Ids(storedChart).Where(activities.ContainsKey).Concat(activities.Keys).Distinct(StringComparer.Ordinal);
        Put(result, "activities", new JsonArray([.. order.Select(id => (JsonNode)Placed(id, activities[id]))]));
        Put(result, "connections", new JsonArray([.. Connections(storedChart, shownChart, sentChart)]));
        return result;
    }

    private JsonObject Placed(string id, JsonObject activity)
    {
        if (!_storedById.TryGetValue(id, out var before) || !_shownById.TryGetValue(id, out var seen)) return New(activity);
        if (seen.Text("type") != activity.Text("type")) return New(activity);
        return activity.IsFlowchart() ? Flowchart(before, seen, activity) : Activity(before, seen, activity);
    }

    private JsonObject New(JsonObject activity)
    {
        if (!activity.IsFlowchart()) return (JsonObject)activity.DeepClone();
        var empty = new JsonObject { ["type"] = "Elsa.Flowchart" };
        return Flowchart(empty, empty, activity);
    }

    private static JsonObject Activity(JsonObject before, JsonObject seen, JsonObject now)
    {
        var result = (JsonObject)before.DeepClone();
        foreach (var (name, value) in now)
        {
            switch (name)
            {
                case "nodeId" or "activities" or "connections":
                    break;
                case "metadata":
                    Take(result, name, Member(before, name), seen, Measured(value, seen[name]));
                    break;
                default:
                    Take(result, name, Member(before, name), seen, value);
                    break;
            }
        }
        return result;
    }

    /// <summary>The width and height of a node are what Studio's fonts came to, and differ from browser to browser: no change of the author's.</summary>
    private static JsonNode? Measured(JsonNode? now, JsonNode? seen)
    {
        if (now is not JsonObject metadata || metadata["designer"] is not JsonObject) return now;
        var measured = (JsonObject)metadata.DeepClone();
        var designer = (JsonObject)measured["designer"]!;
        if ((seen as JsonObject)?["designer"] is JsonObject before && before["size"] is { } size) designer["size"] = size.DeepClone();
        else designer.Remove("size");
        return measured;
    }

    /// <summary>Takes one member over where it differs from what was shown; objects that are not a value of their own are compared member by member.</summary>
    private static void Take(JsonObject result, string name, JsonNode? before, JsonObject seen, JsonNode? now)
    {
        var shown = seen[name];
        if (Same(now, shown)) return;
        // Studio adds empty notes of its own, such as of test values, when a tab is looked at.
        if (shown is null && before is null && now is JsonObject { Count: 0 }) return;
        if (now is JsonObject json && shown is JsonObject shownJson && !IsValue(json))
        {
            var merged = before as JsonObject is { } stored ? (JsonObject)stored.DeepClone() : [];
            foreach (var (member, value) in json) Take(merged, member, Member(merged, member), shownJson, value);
            Put(result, name, merged);
            return;
        }
        // The author has not touched an expression that only lost its marks on the way.
        if (now is JsonObject input && shown is JsonObject shownInput && IsValue(input) && Same(input["expression"], shownInput["expression"])) return;
        Put(result, name, now?.DeepClone());
    }

    private static bool IsValue(JsonObject json) => json.ContainsKey("expression") || json.ContainsKey("type");

    private static IEnumerable<JsonNode> Connections(JsonObject storedChart, JsonObject shownChart, JsonObject sentChart)
    {
        // Shown one for one and in the same order (StudioForm), so that a stored one in an older form is known by its place.
        var seen = (shownChart["connections"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var before = (Member(storedChart, "connections") as JsonArray ?? []).ToList();
        var now = (sentChart["connections"] as JsonArray ?? []).OfType<JsonObject>().ToLookup(Ends);
        var ids = Ids(shownChart).ToHashSet(StringComparer.Ordinal);
        var isAsShown = ids.SetEquals(Ids(sentChart)) && seen.Where(connection => StudioForm.IsDrawable(connection, ids)).Select(Ends).ToHashSet().SetEquals(now.Select(group => group.Key));
        var taken = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 0; index < seen.Count; index++)
        {
            var ends = Ends(seen[index]);
            // One that leads nowhere was not drawn, so nobody took it away; it goes with the first change to what is drawn.
            var isKept = now.Contains(ends) || (isAsShown && !StudioForm.IsDrawable(seen[index], ids));
            if (!isKept) continue;
            taken.Add(ends);
            var stored = (JsonObject)(before.Count == seen.Count ? before[index] as JsonObject ?? seen[index] : seen[index]).DeepClone();
            if (now[ends].FirstOrDefault() is { } drawn && !Same(drawn["vertices"], seen[index]["vertices"])) stored["vertices"] = drawn["vertices"]?.DeepClone();
            yield return stored;
        }
        foreach (var added in now.Where(group => taken.Add(group.Key))) yield return added.First().DeepClone();
    }

    private static string Ends(JsonObject connection) => string.Join('\n',
        connection["source"]?["activity"], connection["source"]?["port"] ?? "Done", connection["target"]?["activity"], connection["target"]?["port"] ?? "In");

    /// <summary>A list whose items have an id or a name: each item's members that Studio does not know are restored.</summary>
    private static JsonArray Items(JsonArray? before, JsonArray? seen, JsonArray now)
    {
        var stored = (before ?? []).OfType<JsonObject>().GroupBy(Key).ToDictionary(group => group.Key, group => group.First());
        var shown = (seen ?? []).OfType<JsonObject>().GroupBy(Key).ToDictionary(group => group.Key, group => group.First());
        return new JsonArray([.. now.OfType<JsonObject>().Select(item =>
            stored.TryGetValue(Key(item), out var old) && shown.TryGetValue(Key(item), out var looked) ? (JsonNode)Activity(old, looked, item) : item.DeepClone())]);

        static string Key(JsonObject item) => item.Text("id") ?? item.Text("name") ?? "";
    }

    private static void Put(JsonObject json, string name, JsonNode? value) => json[Spelling(json, name)] = value;

    private static JsonNode? Member(JsonObject json, string name) => json[Spelling(json, name)];

    /// <summary>As the stored definition writes it: its readers do not mind the case.</summary>
    private static string Spelling(JsonObject json, string name) =>
        json.ContainsKey(name) ? name : json.Select(member => member.Key).FirstOrDefault(written => written.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? name;

    private static bool Same(JsonNode? a, JsonNode? b) => SameJson.Says(a, b);

    private static JsonObject? Root(JsonObject document) => Member(document, "root") as JsonObject;

    private static string Id(JsonObject activity) => Member(activity, "id").Text() ?? "";

    private static IEnumerable<string> Ids(JsonObject flowchart) => Children(flowchart).Select(Id);

    private static IEnumerable<JsonObject> Children(JsonObject flowchart) => (Member(flowchart, "activities") as JsonArray ?? []).OfType<JsonObject>();

    private static Dictionary<string, JsonObject> ById(JsonObject? flowchart)
    {
        var found = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        if (flowchart is not null) Collect(flowchart);
        return found;

        void Collect(JsonObject container)
        {
            foreach (var activity in Children(container))
            {
                found[Id(activity)] = activity;
                Collect(activity);
            }
        }
    }
}
