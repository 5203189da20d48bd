using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests.Elsa;

/// <summary>Studio's list of definitions and what its menus do.</summary>
public sealed class DefinitionMenuTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Lists_are_paged_searched_and_told_by_version(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true, workers: false);

        var first = await ListAsync(server, "versionOptions=Latest&Page=0&PageSize=2&OrderDirection=Ascending");
        var second = await ListAsync(server, "versionOptions=Latest&Page=1&PageSize=2&OrderDirection=Ascending");
        Assert.Equal((2, 7), (first.Names.Count, first.Total));
        Assert.Equal([.. first.Names.Concat(second.Names).Order(StringComparer.OrdinalIgnoreCase)], first.Names.Concat(second.Names));
        Assert.Equal(["Welcome series"], (await ListAsync(server, "versionOptions=Latest&SearchTerm=WELCOME&Page=0&PageSize=10")).Names);

        await server.Admin.PutAsync("/api/v1/journeys/welcome-series", Json((await server.Admin.GetStringAsync("/api/v1/journeys/welcome-series")).Replace("\"Welcome series\"", "\"Welcome series 2\"")));
        Assert.Equal(["Welcome series 2", "Welcome series"], (await ListAsync(server, "versionOptions=AllVersions&DefinitionIds=welcome-series&OrderBy=Version&OrderDirection=Descending")).Names);
        Assert.Equal(["Welcome series"], (await ListAsync(server, "versionOptions=Published&DefinitionIds=welcome-series")).Names);
        var by = await (await server.Admin.GetAsync("/elsa/api/workflow-definitions/by-definition-id/welcome-series?versionOptions=Published")).JsonAsync();
        Assert.Equal((1, false), (by.GetProperty("version").GetInt32(), by.GetProperty("isLatest").GetBoolean()));
        var id = by.GetProperty("id").GetString();
        Assert.Equal(["Welcome series"], (await ListAsync(server, $"versionOptions=&Ids={id}")).Names);
        Assert.Equal("Welcome series", (await (await server.Admin.GetAsync($"/elsa/api/workflow-definitions/by-id/{id}")).JsonAsync()).GetProperty("name").GetString());
        Assert.Equal(1, (await (await server.Admin.GetAsync($"/elsa/api/workflow-definitions/many-by-id?ids={id}")).JsonAsync()).GetProperty("count").GetInt32());
        Assert.Equal(7, (await (await server.Admin.GetAsync("/elsa/api/workflow-definitions/query/count")).JsonAsync()).GetProperty("count").GetInt32());
        Assert.False(await IsUniqueAsync("welcome series 2"));
        Assert.True(await IsUniqueAsync("Something else"));

        async Task<bool> IsUniqueAsync(string name) =>
            (await (await server.Admin.GetAsync($"/elsa/api/workflow-definitions/validation/is-name-unique?name={Uri.EscapeDataString(name)}")).JsonAsync()).GetProperty("isUnique").GetBoolean();
    }

    [Fact]
    public async Task Publish_retract_revert_discard_and_delete()
    {
        await using var server = await ServerUnderTest.StartAsync(samples: true, workers: false);
        var page = await StudioPage.OpenAsync(server.Admin, "welcome-series");
        page.Definition["description"] = "changed";
        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);

        var published = await (await server.Admin.PostAsync("/elsa/api/workflow-definitions/welcome-series/publish", Json("{}"))).JsonAsync();
        Assert.Equal((2, true), (published.GetProperty("workflowDefinition").GetProperty("version").GetInt32(), published.GetProperty("workflowDefinition").GetProperty("isPublished").GetBoolean()));
        var retracted = await (await server.Admin.PostAsync("/elsa/api/workflow-definitions/welcome-series/retract", Json("{}"))).JsonAsync();
        Assert.False(retracted.GetProperty("isPublished").GetBoolean());

        var reverted = await (await server.Admin.PostAsync("/elsa/api/workflow-definitions/welcome-series/revert/1", null)).JsonAsync();
        Assert.Equal(3, reverted.GetProperty("version").GetInt32());
        Assert.NotEqual("changed", reverted.GetProperty("description").GetString());

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync($"/elsa/api/workflow-definition-versions/{reverted.GetProperty("id").GetString()}")).StatusCode);
        var latest = await (await server.Admin.GetAsync("/elsa/api/workflow-definitions/by-definition-id/welcome-series?versionOptions=Latest")).JsonAsync();
        Assert.Equal("changed", latest.GetProperty("description").GetString());
        Assert.Contains("was published once", Assert.Single(await StudioPage.MessagesAsync(await server.Admin.DeleteAsync($"/elsa/api/workflow-definition-versions/{latest.GetProperty("id").GetString()}"))));

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/elsa/api/workflow-definitions/welcome-series")).StatusCode);
        await (await server.Admin.GetAsync("/elsa/api/workflow-definitions/by-definition-id/welcome-series?versionOptions=Latest")).ProblemAsync(404);
    }

    [Fact]
    public async Task Several_at_once()
    {
        await using var server = await ServerUnderTest.StartAsync(samples: true, workers: false);
        await server.Admin.PutAsync("/api/v1/journeys/broken", Json("""{"name":"Broken","root":{"id":"f","type":"Elsa.Flowchart","activities":[{"id":"x","type":"Acme.Magic"}],"connections":[]}}"""));

        var retracted = await (await server.Admin.PostAsJsonAsync("/elsa/api/bulk-actions/retract/workflow-definitions/by-definition-ids", new { definitionIds = new[] { "welcome-series", "broken", "nowhere" } })).JsonAsync();
        Assert.Equal(("welcome-series", "broken", "nowhere"), (Only(retracted, "retracted"), Only(retracted, "alreadyRetracted"), Only(retracted, "notFound")));
        var published = await (await server.Admin.PostAsJsonAsync("/elsa/api/bulk-actions/publish/workflow-definitions/by-definition-ids", new { definitionIds = new[] { "welcome-series", "win-back", "nowhere" } })).JsonAsync();
        Assert.Equal(("welcome-series", "win-back", "nowhere"), (Only(published, "published"), Only(published, "alreadyPublished"), Only(published, "notFound")));
        var refused = await StudioPage.MessagesAsync(await server.Admin.PostAsJsonAsync("/elsa/api/bulk-actions/publish/workflow-definitions/by-definition-ids", new { definitionIds = new[] { "broken" } }));
        Assert.Contains(refused, message => message.Contains("Broken") && message.Contains("Acme.Magic"));
        var deleted = await (await server.Admin.PostAsJsonAsync("/elsa/api/bulk-actions/delete/workflow-definitions/by-definition-id", new { definitionIds = new[] { "broken" } })).JsonAsync();
        Assert.Equal(1, deleted.GetProperty("deleted").GetInt32());

        static string? Only(JsonElement answer, string list) => Assert.Single(answer.GetProperty(list).EnumerateArray()).GetString();
    }

    [Fact]
    public async Task What_is_exported_can_be_imported_alone_or_in_a_zip()
    {
        await using var server = await ServerUnderTest.StartAsync(samples: true, workers: false);
        var original = await server.Admin.GetStringAsync("/api/v1/journeys/welcome-series");

        var exported = await server.Admin.GetAsync("/elsa/api/workflow-definitions/welcome-series/export?versionOptions=Latest&includeConsumingWorkflows=False");
        Assert.Equal("welcome-series-v1.json", exported.Content.Headers.ContentDisposition?.FileName);
        var file = await exported.Content.ReadAsStringAsync();
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(original), JsonNode.Parse(file)));

        var imported = await (await server.Admin.PostAsync("/elsa/api/workflow-definitions/import", Json(file.Replace("\"welcome-series\"", "\"copy\"")))).JsonAsync();
        Assert.Equal("copy", imported.GetProperty("definitionId").GetString());

        var ids = new[] { JsonNode.Parse(original)!["id"]!.GetValue<string>(), imported.GetProperty("id").GetString()! };
        var zip = await (await server.Admin.PostAsJsonAsync("/elsa/api/bulk-actions/export/workflow-definitions", new { ids })).Content.ReadAsByteArrayAsync();
        using (var archive = new ZipArchive(new MemoryStream(zip))) Assert.Equal(["copy-v1.json", "welcome-series-v1.json"], archive.Entries.Select(entry => entry.Name).Order());
        using var form = new MultipartFormDataContent { { new ByteArrayContent(zip), "files", "journeys.zip" }, { new ByteArrayContent(Encoding.UTF8.GetBytes("\uFEFF" + file)), "files", "one.json" } };
        Assert.Equal(3, (await (await server.Admin.PostAsync("/elsa/api/workflow-definitions/import-files", form)).JsonAsync()).GetProperty("count").GetInt32());

        using var wrong = new MultipartFormDataContent { { new ByteArrayContent("no zip"u8.ToArray()), "files", "journeys.zip" } };
        Assert.Contains("no zip file", Assert.Single(await StudioPage.MessagesAsync(await server.Admin.PostAsync("/elsa/api/workflow-definitions/import-files", wrong))));
        Assert.Single(await StudioPage.MessagesAsync(await server.Admin.PostAsync("/elsa/api/workflow-definitions/import", Json("{\"root\": 7}"))));
    }

    // Seen red with each file measured by itself: a zip of a few kB held 200 files of 8 MB.
    [Fact]
    public async Task What_the_files_of_an_import_unpack_to_is_measured_together()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        using var file = new MemoryStream();
        await using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            for (var i = 0; i < 3; i++)
            {
                await using var entry = await zip.CreateEntry($"{i}.json").OpenAsync();
                await entry.WriteAsync(Encoding.UTF8.GetBytes($$"""{"definitionId":"j{{i}}","name":"J","root":{"type":"Elsa.Flowchart","id":"r","activities":[]}""" + new string(' ', 4 * 1024 * 1024) + "}"));
            }
        }
        using var form = new MultipartFormDataContent { { new ByteArrayContent(file.ToArray()), "files", "many.zip" } };

        var answer = await server.Admin.PostAsync("/elsa/api/workflow-definitions/import-files", form);

        Assert.Contains("at most 8 MB, unpacked", await answer.Content.ReadAsStringAsync());
        Assert.Empty((await (await server.Admin.GetAsync("/api/v1/journeys")).JsonAsync()).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task The_play_button_says_that_a_journey_needs_a_contact()
    {
        await using var server = await ServerUnderTest.StartAsync(samples: true, workers: false);

        var answer = await server.Admin.PostAsync("/elsa/api/workflow-definitions/welcome-series/execute", Json("""{"correlationId":null,"triggerActivityId":null,"versionOptions":"Latest","input":null}"""));
        Assert.Equal("true", answer.Headers.GetValues("x-elsa-workflow-cannot-start").Single());
        Assert.Contains("starts for a contact", Assert.Single(await StudioPage.MessagesAsync(answer)));

        var started = await server.Admin.PostAsync("/elsa/api/workflow-definitions/welcome-series/execute", Json("""{"correlationId":"u1"}"""));
        Assert.True(Guid.TryParse(started.Headers.GetValues("x-elsa-workflow-instance-id").Single(), out _));
    }

    private static async Task<(IReadOnlyList<string> Names, int Total)> ListAsync(ServerUnderTest server, string query)
    {
        var page = await (await server.Admin.GetAsync($"/elsa/api/workflow-definitions?{query}")).JsonAsync();
        return ([.. page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("name").GetString()!)], page.GetProperty("totalCount").GetInt32());
    }
}
