using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class RoundTripTests
{
    [Fact]
    public void Any_definition_comes_back_as_it_was_whatever_unknown_members_it_has() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300),
            Prop.ForAll(Definitions().ToArbitrary(), json =>
            {
                var definition = WorkflowDefinition.Parse(json);
                return definition.ToJson() == JsonNode.Parse(json)!.ToJsonString(DefinitionJson.Compact)
                    && WorkflowDefinition.Parse(definition.ToJson()).ToJson() == definition.ToJson()
                    && WorkflowDefinition.Parse(definition.ToJson(indented: true)).ToJson() == definition.ToJson();
            }));

    [Fact]
    public void A_stamp_never_changes_what_the_author_said() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(100),
            Prop.ForAll(Definitions().ToArbitrary(), json =>
            {
                var definition = WorkflowDefinition.Parse(json);
                var stamped = definition.With(new DefinitionStamp(definition.DefinitionId!, "v", 7, true, false, DateTimeOffset.UnixEpoch));
                return WorkflowDefinition.Same(definition, stamped) && definition.ContentHash == stamped.ContentHash;
            }));

    private static Gen<string> Definitions() =>
        from size in Gen.Choose(0, 8)
        from activities in Gen.CollectToList(Enumerable.Range(0, size), Activity)
        from connections in size == 0 ? Gen.Constant<List<JsonObject>>([]) : Connection(size).ListOf(size).Select(list => list.ToList())
        from unknown in Members()
        select Written(activities, connections, unknown);

    private static string Written(IEnumerable<JsonObject> activities, IEnumerable<JsonObject> connections, JsonObject unknown)
    {
        var document = (JsonObject)unknown.DeepClone();
        document["definitionId"] = "d";
        document["root"] = new JsonObject
        {
            ["id"] = "flow",
            ["type"] = "Elsa.Flowchart",
            ["activities"] = new JsonArray([.. activities.Select(each => each.DeepClone())]),
            ["unknown"] = unknown.DeepClone(),
            ["connections"] = new JsonArray([.. connections.Select(each => each.DeepClone())]),
        };
        return document.ToJsonString();
    }

    private static Gen<JsonObject> Activity(int index) =>
        from type in Gen.Elements("Elsa.WriteLine", "Elsa.FlowJoin", "MailFlow.Unheard", "Elsa.Flowchart")
        from members in Members()
        select With(members, ("id", $"a{index}"), ("type", type));

    private static Gen<JsonObject> Connection(int size) =>
        from source in Gen.Choose(0, size)
        from target in Gen.Choose(0, size)
        from flat in Gen.Elements(true, false)
        from members in Members()
        select flat
            ? With(members, ("source", $"a{source}"), ("target", $"a{target}"))
            : With(members, ("source", new JsonObject { ["activity"] = $"a{source}" }), ("target", new JsonObject { ["activity"] = $"a{target}" }));

    private static JsonObject With(JsonObject members, params (string Name, JsonNode Value)[] more)
    {
        var json = (JsonObject)members.DeepClone();
        foreach (var (name, value) in more) json[name] = value;
        return json;
    }

    private static Gen<JsonObject> Members() =>
        from names in Gen.Elements("x", "Ünknown", "metadata2", "a b", "\"quoted\"", "tab\t").ListOf(3)
        from values in Value(2).ListOf(3)
        select new JsonObject(names.Zip(values).DistinctBy(pair => pair.First).Select(pair => KeyValuePair.Create(pair.First, pair.Second?.DeepClone())));

    private static Gen<JsonNode?> Value(int depth)
    {
        var leaf = Gen.Elements("null", "true", "1.0", "1e400", "-0.0", "12345678901234567890123", "\"text <b> é 😀 \\n\"", "\"\"", "{}", "[]")
            .Select(text => JsonNode.Parse(text));
        return depth == 0
            ? leaf
            : Gen.OneOf(leaf, Value(depth - 1).ListOf(2).Select(JsonNode? (items) => new JsonArray([.. items.Select(item => item?.DeepClone())])));
    }
}
