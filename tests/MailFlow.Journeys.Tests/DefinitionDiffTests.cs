using System.Text.Json.Nodes;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Journeys.Tests;

/// <summary>The welcome series, changed in one way or another: what a marketer is told.</summary>
public class DefinitionDiffTests
{
    public static TheoryData<string, string[]> Changes => new()
    {
        { "nothing", [] },
        { "moved", [] },
        { "default written out", [] },
        { "wait", ["Changed wait-a-day duration: Duration of “Wait a day” is now 1 day 12 hours (was 1 day)."] },
        { "template", ["Changed send-tips template: Template of “Tips mail” is now “welcome-next-step” (was “welcome-tips”)."] },
        { "subject gone", ["Changed send-tips-again subject: Subject of “Tips mail, new subject” is now not set (was “{{#if contact.first_name}}{{contact.first_name}}, did{{else}}Did{{/if}} you see these three shortcuts?”)."] },
        { "filter", ["Changed wait-for-open filter: Filter of “Opened within three days?” is now “event.template == 'x'” (was “!has(event.template) || event.template == \"welcome-tips\"”)."] },
        { "goal", ["Changed welcomed name: Name of “Welcomed” is now “greeted” (was “welcomed”)."] },
        { "renamed", ["Renamed wait-a-day : “Wait a day” is now called “A day's rest”."] },
        { "other type", ["Changed wait-a-day type: “Wait a day” is now Write line (was Wait)."] },
        { "merge", ["Changed welcomed mergeMode: mergeMode of “Welcomed” is now \"Race\" (was not set)."] },
        { "removed", ["Removed send-tips-again : “Tips mail, new subject” (Send e-mail) is gone.", "Connected wait-for-open TimedOut: “Opened within three days?” now leads to “Welcomed” by TimedOut."] },
        { "added", ["Added pause : “pause” (Wait) is new.", "Connected send-tips-again Done: “Tips mail, new subject” now leads to “pause”."] },
        { "disconnected", ["Disconnected tag-engaged Done: “Tag as engaged” no longer leads to “Wait two days”."] },
        { "rules", [
            "Rule  entry: A contact may enter now once in 7 days (was once, ever).", "Rule  exit_when: The exit condition is now none (was event.event_type == \"account_closed\").",
            "Rule  purpose: The consent purpose is now “newsletter” (was none).", "Rule  stream: The kind of mail is now transactional (was marketing).", "Rule  theirs: The rule 'theirs' is now 1 (was not set)."] },
        { "name", ["Renamed  name: The journey is now called “Hello” (was “Welcome series”)."] },
        { "variable", ["Changed  variables: The variable 'tries' is new."] },
    };

    [Theory, MemberData(nameof(Changes))]
    public async Task Each_change_is_one_sentence(string change, string[] sentences)
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        var diff = host.Get<DefinitionDiff>();
        var (from, to) = (WorkflowDefinition.Parse(Samples.Journey("welcome-series")), WorkflowDefinition.Parse(Changed(change)));
        Assert.Equal(sentences, diff.Compare(from, to).Select(found => $"{found.Kind} {found.ActivityId} {found.Input}: {found.Text}"));
        Assert.Equal(sentences.Length > 0, diff.Compare(to, from).Count > 0);
    }

    private static string Changed(string change)
    {
        var definition = JsonNode.Parse(Samples.Journey("welcome-series"))!;
        var root = definition["root"]!;
        var rules = definition["customProperties"]!["mailflow"]!;
        JsonNode Activity(string id) => root["activities"]!.AsArray().Single(activity => (string)activity!["id"]! == id)!;
        JsonNode Connection(string from, string port = "Done") =>
            root["connections"]!.AsArray().Single(connection => (string)connection!["source"]!["activity"]! == from && (string)connection["source"]!["port"]! == port)!;
        switch (change)
        {
            case "moved": Activity("wait-a-day")["metadata"]!["designer"]!["position"]!["x"] = 1; break;
            case "default written out": Activity("send-tips")["expiresAfter"] = JsonNode.Parse("""{"typeName": "TimeSpan", "expression": {"type": "Literal", "value": ""}}"""); break;
            case "wait": Activity("wait-a-day")["duration"]!["expression"]!["value"] = "PT36H"; break;
            case "template": Activity("send-tips")["template"]!["expression"]!["value"] = "welcome-next-step"; break;
            case "subject gone": Activity("send-tips-again").AsObject().Remove("subject"); break;
            case "filter": Activity("wait-for-open")["filter"]!["expression"]!["value"] = "event.template == 'x'"; break;
            case "goal": Activity("welcomed")["name"]!["expression"]!["value"] = "greeted"; break;
            case "renamed": Activity("wait-a-day")["metadata"]!["displayText"] = "A day's rest"; break;
            case "other type": Activity("wait-a-day")["type"] = "Elsa.WriteLine"; break;
            case "merge": Activity("welcomed")["customProperties"]!["mergeMode"] = "Race"; break;
            case "removed":
                root["activities"]!.AsArray().Remove(Activity("send-tips-again"));
                root["connections"]!.AsArray().Remove(Connection("send-tips-again"));
                Connection("wait-for-open", "TimedOut")["target"]!["activity"] = "welcomed";
                break;
            case "added":
                root["activities"]!.AsArray().Add(JsonNode.Parse("""{"id": "pause", "type": "MailFlow.Wait", "duration": "P1D"}"""));
                root["connections"]!.AsArray().Add(JsonNode.Parse("""{"source": {"activity": "send-tips-again", "port": "Done"}, "target": {"activity": "pause"}}"""));
                break;
            case "disconnected": root["connections"]!.AsArray().Remove(Connection("tag-engaged")); break;
            case "rules":
                (rules["entry"], rules["purpose"], rules["stream"], rules["theirs"]) = ("once_per:P7D", "newsletter", "transactional", 1);
                rules.AsObject().Remove("exit_when");
                break;
            case "name": definition["name"] = "Hello"; break;
            case "variable": definition["variables"] = JsonNode.Parse("""[{"id": "v1", "name": "tries", "typeName": "Int32", "value": "0"}]"""); break;
        }
        return definition.ToJsonString();
    }
}
