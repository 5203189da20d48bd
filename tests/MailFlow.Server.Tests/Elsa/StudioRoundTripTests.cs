using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;
using MailFlow.Server.Elsa.Definitions;

namespace MailFlow.Server.Tests.Elsa;

/// <summary>Loaded into Studio and saved untouched, a definition says what it said.</summary>
public sealed class StudioRoundTripTests
{
    private static readonly ActivityRegistry Registry = new ServiceCollection()
        .AddActivities(typeof(ActivityRegistry).Assembly).AddActivities(typeof(JourneyDefinitions).Assembly)
        .AddActivities(typeof(Audience.Contacts).Assembly).AddActivities(typeof(Delivery.Messages).Assembly)
        .BuildServiceProvider().GetRequiredService<ActivityRegistry>();

    [Fact]
    public void Any_definition_saved_untouched_in_Studio_is_as_it_was() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(Definitions().ToArbitrary(), json =>
        {
            var before = WorkflowDefinition.Parse(json);
            var after = Untouched(before);
            return WorkflowDefinition.Same(before, after) ? true : throw new InvalidOperationException($"{before.ToJson(indented: true)}\nbecame\n{after.ToJson(indented: true)}");
        }));

    [Fact]
    public async Task Through_the_API_it_is_so_too()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var json in Definitions().Sample(8, 40))
        {
            var put = await server.Admin.PutAsync("/api/v1/journeys/d", HttpExtensions.Json(json));
            Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
            var before = await server.Admin.GetStringAsync("/api/v1/journeys/d");

            var page = await StudioPage.OpenAsync(server.Admin, "d");
            var saved = await page.SaveAsync();

            Assert.True(saved.IsSuccessStatusCode, await saved.Content.ReadAsStringAsync());
            Assert.Equal(before, await server.Admin.GetStringAsync("/api/v1/journeys/d"));

            // Another client of Elsa's API sends back what it got, member for member.
            var echo = (await StudioPage.OpenAsync(server.Admin, "d")).Definition;
            var echoed = await server.Admin.PostAsync("/elsa/api/workflow-definitions", HttpExtensions.Json(new JsonObject { ["model"] = echo.DeepClone(), ["publish"] = false }.ToJsonString()));

            Assert.True(echoed.IsSuccessStatusCode, await echoed.Content.ReadAsStringAsync());
            Assert.Equal(before, await server.Admin.GetStringAsync("/api/v1/journeys/d"));
        }
    }

    [Fact]
    public void What_Studio_is_shown_has_a_descriptor_for_each_activity_and_text_for_each_name() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(Definitions().ToArbitrary(), json =>
        {
            var shown = new StudioForm(Registry).Of(WorkflowDefinition.Parse(json));
            return Inside((JsonObject)shown["root"]!).All(activity =>
                activity["version"]!.ToJsonString() == "1"
                && (activity["type"]!.GetValue<string>() is var type && (type == StudioActivity.NotFound || Registry.Find(type) is not null))
                && activity["name"] is null or JsonValue
                && activity["metadata"]!["designer"]?["position"] is JsonObject
                && activity["nodeId"]!.GetValue<string>().StartsWith("Workflow1:flow:", StringComparison.Ordinal));
        }));

    private static WorkflowDefinition Untouched(WorkflowDefinition before)
    {
        var form = new StudioForm(Registry);
        var shown = form.Of(before);
        StudioForm.LeaveOutUndrawable((JsonObject)shown["root"]!);
        var sent = form.Back(StudioPage.Model(shown));
        return WorkflowDefinition.Parse(new SavedChange(before.ToJsonObject(), form.Back(form.Of(before)), sent).Apply().ToJsonString());
    }

    private static IEnumerable<JsonObject> Inside(JsonObject flowchart) =>
        (flowchart["activities"] as JsonArray ?? []).OfType<JsonObject>().SelectMany(activity => Inside(activity).Append(activity)).Where(activity => activity["type"]!.GetValue<string>() != "Elsa.Flowchart");

    private static Gen<string> Definitions() =>
        from size in Gen.Choose(0, 8)
        from activities in Gen.CollectToList(Enumerable.Range(0, size), Activity)
        from connections in size == 0 ? Gen.Constant<List<JsonObject>>([]) : Connection(size).ListOf(size).Select(list => list.ToList())
        from unknown in Members()
        from variables in Variables()
        select Written(activities, connections, unknown, variables);

    private static string Written(IEnumerable<JsonObject> activities, IEnumerable<JsonObject> connections, JsonObject unknown, JsonNode? variables)
    {
        var document = (JsonObject)unknown.DeepClone();
        document["definitionId"] = "d";
        document["variables"] = variables?.DeepClone();
        document["customProperties"] = new JsonObject { ["mailflow"] = new JsonObject { ["entry"] = "once" }, ["theirs"] = unknown.DeepClone() };
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
        from shape in Gen.Elements(Shapes)
        from members in Members()
        from placed in Gen.Elements(true, false)
        select Made(shape, members, index, placed);

    private static readonly string[] Shapes =
    [
        """{"type": "Elsa.WriteLine", "version": 1, "text": {"typeName": "String", "expression": {"type": "Liquid", "value": "{{ x }}"}, "memoryReference": {"id": "m"}}}""",
        """{"type": "Elsa.WriteLine", "text": "bare"}""",
        """{"type": "Elsa.FlowJoin", "version": 1, "mode": {"expression": {"type": "Literal", "value": "WaitAll"}}}""",
        """{"type": "Elsa.FlowFork", "version": 1, "branches": {"typeName": "Object", "expression": {"type": "Object", "value": ["L", "R"]}}}""",
        """{"type": "Elsa.FlowSwitch", "version": 1, "cases": {"typeName": "Object", "expression": {"type": "Object", "value": "[{\"label\":\"US\",\"condition\":{\"type\":\"CEL\",\"value\":\"true\"}}]"}}}""",
        """{"type": "Elsa.SetVariable", "version": 1, "variable": {"id": "v0", "name": "n0", "typeName": "String"}, "value": 5}""",
        """{"type": "MailFlow.RandomSplit", "version": 1, "branches": [{"name": "A", "weight": 50, "color": "red"}, {"name": "B", "weight": 2.5}]}""",
        """{"type": "MailFlow.RandomSplit", "version": 1, "branches": {"typeName": "Object", "expression": {"type": "Object", "value": "{\"A\": 50, \"B\": 50}"}}}""",
        """{"type": "MailFlow.RandomSplit", "version": 1, "branches": ["A", "B"]}""",
        """{"type": "MailFlow.Goal", "version": 1, "name": {"typeName": "String", "expression": {"type": "Literal", "value": "bought"}}}""",
        """{"type": "MailFlow.Goal", "version": 1, "name": "bought"}""",
        """{"type": "MailFlow.WaitUntil", "version": 1, "weekdays": ["mon", "fri"], "timeOfDay": "09:30", "at": null}""",
        """{"type": "MailFlow.UpdateContact", "version": 1, "attributes": {"plan": {"type": "CEL", "value": "event.plan"}, "seats": 3}, "addTags": {"expression": {"type": "Literal", "value": "[\"vip\"]"}}}""",
        """{"type": "MailFlow.SendEmail", "version": 1, "Template": {"Expression": {"Type": "Literal", "Value": "hello"}}}""",
        """{"type": "MailFlow.Unheard", "version": 1, "spell": {"expression": {"type": "JavaScript", "value": "1"}}}""",
        """{"type": "MailFlow.Wait", "version": 7, "duration": {"expression": {"type": "Literal", "value": "P1D"}}}""",
        """{"type": "Elsa.Flowchart", "version": 1, "activities": [{"id": "inner", "type": "MailFlow.Unheard", "kept": 1.0}], "connections": [{"source": "inner", "target": "inner"}]}""",
    ];

    private static JsonObject Made(string shape, JsonObject members, int index, bool placed)
    {
        var activity = (JsonObject)JsonNode.Parse(shape.Replace("\"inner\"", $"\"inner{index}\"", StringComparison.Ordinal))!;
        activity["id"] = $"a{index}";
        foreach (var (name, value) in members) activity[name] = value?.DeepClone();
        if (placed) activity["metadata"] = new JsonObject { ["designer"] = new JsonObject { ["position"] = new JsonObject { ["x"] = 40.5, ["y"] = -7 }, ["size"] = new JsonObject { ["width"] = 200, ["height"] = 60 } }, ["displayText"] = "A" };
        return activity;
    }

    private static Gen<JsonObject> Connection(int size) =>
        from source in Gen.Choose(0, size)
        from target in Gen.Choose(0, size)
        from flat in Gen.Elements(true, false)
        from port in Gen.Elements("Done", "A", "True", "Nowhere")
        from members in Members()
        select flat
            ? With(members, ("source", $"a{source}"), ("sourcePort", port), ("target", $"a{target}"))
            : With(members, ("source", new JsonObject { ["activity"] = $"a{source}", ["port"] = port }), ("target", new JsonObject { ["activity"] = $"a{target}" }));

    private static Gen<JsonNode?> Variables() => Gen.Elements(
        "null", "[]",
        """[{"id": "v0", "name": "n0", "typeName": "Int32", "value": 5, "extra": true}]""",
        """[{"name": "n1", "value": {"a": 1.0}}, {"id": "v2", "name": "n2", "typeName": "String", "isArray": true, "value": "[]", "storageDriverTypeName": "Workflow"}]""").Select(text => JsonNode.Parse(text));

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
        var leaf = Gen.Elements("null", "true", "1.0", "1e400", "-0.0", "12345678901234567890123", "\"text <b> é 😀 \\n\"", "\"\"", "{}", "[]").Select(text => JsonNode.Parse(text));
        return depth == 0 ? leaf : Gen.OneOf(leaf, Value(depth - 1).ListOf(2).Select(JsonNode? (items) => new JsonArray([.. items.Select(item => item?.DeepClone())])));
    }
}
