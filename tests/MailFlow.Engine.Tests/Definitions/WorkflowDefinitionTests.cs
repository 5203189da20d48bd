using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class WorkflowDefinitionTests
{
    /// <summary>In the forms of Studio's export, with members of its own that nobody knows.</summary>
    private const string Exported = """
        {
          "$schema": "https://elsaworkflows.io/schemas/workflow-definition/v3.0.0/schema.json",
          "id": "v1", "definitionId": "welcome", "name": "Welcome", "createdAt": "2025-09-30T17:03:24.623714+00:00", "version": 12,
          "toolVersion": "3.8.2.0",
          "variables": [{"id":"93b1","name":"code","typeName":"String","isArray":false,"value":"WELCOME10","storageDriverTypeName":"WorkflowInstance"}],
          "inputs": [], "outputs": [], "customProperties": {"VariableTestValues": {}, "mailflow": {"entry": "once"}},
          "isReadonly": false, "isLatest": true, "isPublished": true, "futureMember": {"numbers": [1.0, 1e3, 12345678901234567890, -0.0]},
          "root": {
            "id": "flow1", "nodeId": "Workflow1:flow1", "name": "Flowchart1", "type": "Elsa.Flowchart", "version": 1, "metadata": {},
            "activities": [
              {"text": {"typeName": "String", "expression": {"type": "Literal", "value": "Gru\u00df"}, "memoryReference": {"id": "a:input-0"}},
               "id": "a", "name": "WriteLine1", "type": "Elsa.WriteLine", "version": 1,
               "metadata": {"designer": {"position": {"x": -393.5, "y": 161.96484375}, "size": {"width": 136.859375, "height": 50}}, "displayText": "Hello"},
               "unknownInput": null},
              {"id": "b", "type": "Elsa.End", "version": 1}
            ],
            "connections": [{"source": {"activity": "a", "port": "Done"}, "target": {"activity": "b", "port": "In"}, "vertices": [{"x": 1, "y": 2}]}]
          }
        }
        """;

    [Fact]
    public void What_was_read_is_written_with_every_member_in_its_place() =>
        Assert.Equal(
            JsonNode.Parse(Exported)!.ToJsonString(),
            JsonNode.Parse(WorkflowDefinition.Parse(Exported).ToJson())!.ToJsonString());

    [Fact]
    public void A_stamp_changes_what_it_says_and_the_node_ids_alone()
    {
        var before = WorkflowDefinition.Parse(Exported);

        var after = before.With(new DefinitionStamp("other", "v2", 13, false, true, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));

        Assert.Equal(("other", "v2", 13), (after.DefinitionId, after.Id, after.Version));
        var json = after.ToJsonObject();
        Assert.Equal("2026-01-02T03:04:05.0000000+00:00", (string?)json["createdAt"]);
        Assert.False((bool)json["isLatest"]!);
        Assert.Equal(["Workflow1:flow1:a", "Workflow1:flow1:b"], json["root"]!["activities"]!.AsArray().Select(activity => (string?)activity!["nodeId"]));
        Assert.Equal(["id", "nodeId", "type", "version"], json["root"]!["activities"]![1]!.AsObject().Select(member => member.Key));
        Assert.Equal(before.ToJsonObject().Select(member => member.Key), json.Select(member => member.Key));
        Assert.Equal("v1", before.Id);
        Assert.Equal(after.ToJson(), after.With(new DefinitionStamp("other", "v2", 13, false, true, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero))).ToJson());
    }

    [Fact]
    public void Two_definitions_are_the_same_but_for_their_stamps_and_the_order_of_members()
    {
        var before = WorkflowDefinition.Parse(Exported);
        var stamped = before.With(new DefinitionStamp("welcome", "v9", 99, false, false, DateTimeOffset.UnixEpoch));
        var moved = WorkflowDefinition.Parse(Exported.Replace("\"x\": -393.5", "\"x\": -393.6", StringComparison.Ordinal));

        Assert.True(WorkflowDefinition.Same(before, stamped));
        Assert.Equal(before.ContentHash, stamped.ContentHash);
        Assert.False(WorkflowDefinition.Same(before, moved));
        Assert.NotEqual(before.ContentHash, moved.ContentHash);
        Assert.True(WorkflowDefinition.Same(
            WorkflowDefinition.Parse("""{"name":"x","root":{"type":"Elsa.Flowchart","id":"f"}}"""),
            WorkflowDefinition.Parse("""{"root":{"id":"f","type":"Elsa.Flowchart"},"name":"x"}""")));
    }

    [Theory]
    [InlineData("""{"source":{"activity":"a","port":"Done"},"target":{"activity":"b","port":"In"}}""")]
    [InlineData("""{"source":"a","sourcePort":"Done","target":"b","targetPort":"In"}""")]
    [InlineData("""{"Source":{"Activity":"a"},"Target":{"Activity":"b"}}""")]
    [InlineData("""{"source":"a","target":"b","sourcePort":null}""")]
    public void A_connection_is_read_in_both_forms_and_in_any_case(string connection)
    {
        foreach (var list in new[] { $"[{connection}]", $$"""{"$values":[{{connection}}]}""", $$"""{"_type":"X","items":[{{connection}}]}""", connection })
        {
            var graph = Definition.Graph($$"""
                {"Name":"x","Root":{"Id":"f","Type":"Elsa.Flowchart",
                 "Activities":{"$values":[{"Id":"a","Type":"Elsa.WriteLine","Text":"hi"},{"id":"b","type":"Elsa.End"}]},
                 "Connections":{{list}} } }
                """);

            Assert.Equal("a.Done -> b", Assert.Single(graph.Edges).ToString());
        }
    }

    [Theory]
    [InlineData("{", "definition", "line 1, position 2")]
    [InlineData("{\n  \"name\": tru }", "definition", "line 2, position")]
    [InlineData("[]", "definition", "not a JSON object")]
    [InlineData("null", "definition", "not a JSON object")]
    [InlineData("""{"name":"a","name":"b"}""", "definition", "uplicate")]
    [InlineData("{}", "root", "is missing")]
    [InlineData("""{"root":{"type":"Elsa.Sequence","id":"s"}}""", "root.type", "Draw the workflow as an Elsa.Flowchart")]
    [InlineData("""{"root":{"type":"Elsa.Flowchart","activities":[{"id":"a","type":"X"},{"id":"a","type":"Y"}]}}""", "root.activities[1].id", "which root.activities[0] has already")]
    [InlineData("""{"root":{"type":"Elsa.Flowchart","activities":[{"type":"X"}]}}""", "root.activities[0].id", "is missing")]
    [InlineData("""{"root":{"type":"Elsa.Flowchart","activities":[{"id":"X"}]}}""", "root.activities[0].type", "is missing")]
    [InlineData("""{"root":{"type":"Elsa.Flowchart","activities":[7]}}""", "root.activities[0]", "is not an activity")]
    [InlineData("""{"a":{"b":["\u0000"]}}""", "$.a.b[0]", "NUL")]
    [InlineData("""{"a":"\ud800"}""", "$.a", "Unicode")]
    public void What_is_no_definition_is_refused_with_its_place(string json, string field, string problem)
    {
        var error = Assert.Throws<InvalidInputException>(() => WorkflowDefinition.Parse(json));

        Assert.Equal(field, error.Field);
        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_much_is_refused()
    {
        Assert.Contains("2 MB", Refused($$"""{"name":"{{new string('x', 2 * 1024 * 1024)}}"}"""), StringComparison.Ordinal);
        Assert.Contains("1000 activities", Refused(Definition.Flow(string.Join(' ', Enumerable.Range(0, 1001).Select(n => $"a{n}")))), StringComparison.Ordinal);
        Assert.Contains("depth", Refused(string.Concat(Enumerable.Repeat("{\"a\":", 5000)) + "1" + new string('}', 5000)), StringComparison.Ordinal);

        WorkflowDefinition.Parse(Definition.Flow(string.Join(' ', Enumerable.Range(0, 1000).Select(n => $"a{n}"))));
    }

    [Fact]
    public void What_was_taken_can_be_read_again_though_its_stamp_made_it_longer()
    {
        var activities = string.Join(' ', Enumerable.Range(0, 1000).Select(n => $"a{n}"));
        var given = Definition.Flow(activities).Replace("\"Test\"", $"\"{string.Concat(Enumerable.Repeat("😀", 480_000))}\"", StringComparison.Ordinal);

        var stored = WorkflowDefinition.Parse(given).With(new DefinitionStamp("d", "1", 1, true, false, DateTimeOffset.UnixEpoch)).ToJson();

        Assert.Throws<InvalidInputException>(() => WorkflowDefinition.Parse(stored));
        Assert.Equal(stored, WorkflowDefinition.ReadStored(stored).ToJson());
    }

    private static string Refused(string json) => Assert.Throws<InvalidInputException>(() => WorkflowDefinition.Parse(json)).Message;
}
