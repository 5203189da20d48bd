using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Engine.Activities;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests.Elsa;

/// <summary>What Studio's picker and forms are told of the activities.</summary>
public sealed class DescriptorTests
{
    [Fact]
    public async Task Every_activity_has_a_descriptor_with_all_members_that_Studio_reads()
    {
        await using var server = await ServerUnderTest.StartAsync(samples: true, workers: false);
        var descriptors = await ActivitiesAsync(server.Admin);

        foreach (var known in server.Services.GetRequiredService<ActivityRegistry>().All)
        {
            var descriptor = descriptors[known.Type];
            Assert.Equal(1, descriptor.GetProperty("version").GetInt32());
            Assert.False(string.IsNullOrWhiteSpace(descriptor.GetProperty("displayName").GetString()), known.Type);
            Assert.False(string.IsNullOrWhiteSpace(descriptor.GetProperty("description").GetString()), known.Type);
            Assert.Contains(descriptor.GetProperty("kind").GetString(), new[] { "Action", "Trigger", "Job" });
            var ports = descriptor.GetProperty("ports").EnumerateArray().ToList();
            if (!known.IsContainer) Assert.Equal(known.Outcomes, ports.Select(port => port.GetProperty("displayName").GetString()));
            Assert.DoesNotContain("In", ports.Select(port => port.GetProperty("name").GetString())); // Studio's own port has that name
            foreach (var input in descriptor.GetProperty("inputs").EnumerateArray())
            {
                Assert.NotEqual("Name", input.GetProperty("name").GetString());
                Assert.True(char.IsUpper(input.GetProperty("name").GetString()![0]));
                Assert.True(input.GetProperty("uiHint").GetString() != "dropdown" || input.GetProperty("uiSpecifications").GetProperty("dropdown").GetProperty("selectList").TryGetProperty("items", out _));
            }
        }
        Assert.True(descriptors["Elsa.Flowchart"].GetProperty("isContainer").GetBoolean());
        Assert.False(descriptors["Elsa.Flowchart"].GetProperty("isBrowsable").GetBoolean());
        Assert.False(descriptors["Elsa.NotFoundActivity"].GetProperty("isBrowsable").GetBoolean());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Lists_offer_the_accounts_own_things_and_are_asked_for_again_when_shown(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);
        await server.Admin.PutAsJsonAsync("/api/v1/segments/vips", new { name = "Our VIPs", rule = "contact.plan == \"pro\"" });
        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"seen_once","user_id":"u1","payload":{"contact":{"email":"ada@example.org","consents":{"digest":true}}}}"""));
        await server.EventuallyAsync("/api/v1/contacts?limit=10", page => page.GetProperty("items").GetArrayLength() == 1);
        var descriptors = await ActivitiesAsync(server.Admin);

        Assert.Contains("welcome", Offered(descriptors, "MailFlow.SendEmail", "Template"));
        Assert.Contains("vips", Offered(descriptors, "MailFlow.EvaluateSegment", "Segment"));
        Assert.Contains("welcome-series", Offered(descriptors, "MailFlow.StartJourney", "Journey"));
        Assert.Superset(new HashSet<string> { "seen_once", "user_signed_up" }, Offered(descriptors, "MailFlow.EventReceived", "EventType").ToHashSet());
        Assert.Contains("digest", Offered(descriptors, "MailFlow.CheckConsent", "Purpose"));
        Assert.Contains("Europe/Paris", Offered(descriptors, "MailFlow.WaitUntil", "TimeZone"));

        await server.Admin.PutAsJsonAsync("/api/v1/templates/brand-new", new { subject = "Hello", html = "<p>Hi</p>" });
        await server.Admin.PutAsJsonAsync("/api/v1/templates/a-frame", new { subject = "Hello", html = "<main>{{{body}}}</main>" });
        var refreshed = await (await server.Admin.PostAsJsonAsync("/elsa/api/descriptors/activities/MailFlow.SendEmail/options/Template", new { context = new { } })).JsonAsync();
        Assert.Contains("brand-new", Values(refreshed.GetProperty("items")));
        Assert.DoesNotContain("a-frame", Values(refreshed.GetProperty("items"))); // a layout
        Assert.True(Input(descriptors["MailFlow.SendEmail"], "Template").GetProperty("uiSpecifications").GetProperty("Refresh").GetBoolean());
    }

    [Fact]
    public async Task Each_input_has_the_editor_that_suits_it()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var descriptors = await ActivitiesAsync(server.Admin);

        Assert.Equal(("expression-editor", "CEL"), Editor("MailFlow.Condition", "Condition"));
        Assert.Equal(("expression-editor", "CEL"), Editor("MailFlow.EventReceived", "Filter"));
        Assert.Equal(("singleline", "Literal"), Editor("MailFlow.Wait", "Duration"));
        foreach (var (type, input) in new[] { ("MailFlow.Wait", "Duration"), ("MailFlow.WaitForEvent", "Timeout"), ("MailFlow.SendEmail", "ExpiresAfter") })
            Assert.Contains("P3D", Input(descriptors[type], input).GetProperty("description").GetString());
        Assert.Equal(("checklist", "Object"), Editor("MailFlow.WaitUntil", "Weekdays"));
        Assert.Equal(("dynamic-outcomes", "Object"), Editor("MailFlow.RandomSplit", "Branches"));
        Assert.Equal(("singleline", "Literal"), Editor("MailFlow.RandomSplit", "BranchesWeights"));
        Assert.Equal(("dynamic-outcomes", "Object"), Editor("Elsa.FlowFork", "Branches"));
        Assert.Equal("flow-switch-editor", Editor("Elsa.FlowSwitch", "Cases").Hint);
        Assert.False(Input(descriptors["Elsa.FlowSwitch"], "Cases").GetProperty("isWrapped").GetBoolean());
        Assert.Equal(["GET", "POST", "PUT", "PATCH", "DELETE"], Values(Input(descriptors["MailFlow.CallWebhook"], "Method").GetProperty("uiSpecifications")));
        Assert.Equal("", Values(Input(descriptors["MailFlow.CheckConsent"], "Purpose").GetProperty("uiSpecifications")).First());

        (string? Hint, string? Syntax) Editor(string type, string input) =>
            (Input(descriptors[type], input).GetProperty("uiHint").GetString(), Input(descriptors[type], input).GetProperty("defaultSyntax").GetString());
    }

    [Fact]
    public async Task Languages_offered_are_those_that_run_here_and_none_is_unknown_to_Studio()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var languages = (await (await server.Admin.GetAsync("/elsa/api/descriptors/expression-descriptors")).JsonAsync()).GetProperty("items").EnumerateArray()
            .ToDictionary(language => language.GetProperty("type").GetString()!, language => language.GetProperty("isBrowsable").GetBoolean());

        Assert.Equal(["CEL", "Handlebars", "Variable"], languages.Where(language => language.Value).Select(language => language.Key));
        Assert.Superset(new HashSet<string> { "Literal", "Object", "Input", "JavaScript", "Liquid", "CSharp" }, languages.Keys.ToHashSet());
    }

    // An empty editor of Studio begins in JavaScript, whatever the input's own syntax is.
    [Fact]
    public async Task A_dropped_activity_has_its_rules_in_CEL_from_the_beginning()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var descriptor in (await ActivitiesAsync(server.Admin)).Values)
        {
            var rules = descriptor.GetProperty("inputs").EnumerateArray().Where(input => input.GetProperty("uiHint").GetString() == "expression-editor");
            Assert.Equal(
                rules.Select(input => (input.GetProperty("name").GetString()!.ToUpperInvariant(), "CEL")),
                descriptor.GetProperty("constructionProperties").EnumerateObject().Select(input => (input.Name.ToUpperInvariant(), input.Value.GetProperty("expression").GetProperty("type").GetString()!)));
        }
    }

    private static async Task<Dictionary<string, JsonElement>> ActivitiesAsync(HttpClient client) =>
        (await (await client.GetAsync("/elsa/api/descriptors/activities?Refresh=True")).JsonAsync()).GetProperty("items").EnumerateArray().ToDictionary(descriptor => descriptor.GetProperty("typeName").GetString()!);

    private static JsonElement Input(JsonElement descriptor, string name) =>
        descriptor.GetProperty("inputs").EnumerateArray().Single(input => input.GetProperty("name").GetString() == name);

    private static IEnumerable<string> Offered(Dictionary<string, JsonElement> descriptors, string type, string input) =>
        Values(Input(descriptors[type], input).GetProperty("uiSpecifications"));

    private static IEnumerable<string> Values(JsonElement specifications) =>
        specifications.GetProperty("dropdown").GetProperty("selectList").GetProperty("items").EnumerateArray().Select(item => item.GetProperty("value").GetString()!);
}
