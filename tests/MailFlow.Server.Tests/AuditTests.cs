using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Server.Access;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Who changed what.</summary>
public sealed class AuditTests
{
    private const string Journey = """
        {"name":"J","root":{"type":"Elsa.Flowchart","id":"root","activities":[
          {"id":"on","type":"MailFlow.EventReceived","eventType":{"typeName":"String","expression":{"type":"Literal","value":"go"}}},
          {"id":"fail","type":"MailFlow.Wait","duration":{"typeName":"String","expression":{"type":"Handlebars","value":"{{event.never}}"}}}],
         "connections":[{"source":{"activity":"on","port":"Done"},"target":{"activity":"fail","port":"In"}}]}}
        """;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Each_change_by_the_api_is_recorded_with_who_made_it(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        Assert.Empty(await EntriesAsync(server)); // what the first start does of itself is nobody's
        var client = server.Admin;

        await client.PostAsJsonAsync("/api/v1/suppressions", new { email = "Bob@example.org", reason = "complaint" });
        await client.DeleteAsync("/api/v1/suppressions/bob@example.org");
        await client.PutAsJsonAsync("/api/v1/segments/vip", new { rule = "contact.plan == 'pro'" });
        await client.DeleteAsync("/api/v1/segments/vip");
        await client.PutAsJsonAsync("/api/v1/templates/hi", new { subject = "Hi", html = "<p>Hi</p>" });
        await client.PutAsJsonAsync("/api/v1/sender", new { name = "Shop", email = "shop@example.org" });
        await client.PutAsync("/api/v1/journeys/j", Json(Journey));
        foreach (var act in new[] { "publish", "pause", "resume" }) Assert.True((await client.PostAsync($"/api/v1/journeys/j/{act}", null)).IsSuccessStatusCode);
        var ids = new List<string>();
        foreach (var user in new[] { "ada", "bob", "eve" })
            ids.Add((await (await client.PostAsJsonAsync("/api/v1/journeys/j/instances", new { user_id = user })).JsonAsync()).GetProperty("id").GetString()!);
        foreach (var id in ids) await server.EventuallyAsync($"/api/v1/instances/{id}", instance => instance.GetProperty("sub_status").GetString() == "Faulted");
        foreach (var (id, act) in ids.Zip(["retry", "skip", "cancel"])) Assert.Equal(HttpStatusCode.Accepted, (await client.PostAsync($"/api/v1/instances/{id}/{act}", null)).StatusCode);
        await server.EventuallyAsync($"/api/v1/instances/{ids[0]}", instance => instance.GetProperty("journal").GetArrayLength() > 3);
        Assert.Equal(HttpStatusCode.Accepted, (await client.PostAsync($"/api/v1/instances/{ids[0]}/move", Json("""{"activity_id": "fail"}"""))).StatusCode);
        await client.PostAsync($"/api/v1/instances/{ids[0]}/cancel", null);
        await server.EventuallyAsync("/api/v1/journeys/j/stats", stats => stats.GetProperty("waiting").GetInt32() + stats.GetProperty("faulted").GetInt32() == 0);
        await client.PostAsync("/api/v1/journeys/j/unpublish", null);
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync("/api/v1/journeys/j")).StatusCode);
        var made = await (await client.PostAsJsonAsync("/api/v1/api-keys", new { name = "Shop", scopes = new[] { "events:write" } })).JsonAsync();
        await client.DeleteAsync($"/api/v1/api-keys/{made.GetProperty("id").GetString()}");

        var entries = await EntriesAsync(server);
        var key = $"Shop ({made.GetProperty("prefix").GetString()}…)";
        Assert.Equal(
            [
                "suppression.add bob@example.org", "suppression.remove bob@example.org", "segment.put vip", "segment.delete vip", "template.put hi", "sender.put shop@example.org",
                "journey.save j", "journey.publish j", "journey.pause j", "journey.resume j",
                $"instance.start {ids[0]}", $"instance.start {ids[1]}", $"instance.start {ids[2]}",
                $"instance.retry {ids[0]}", $"instance.skip {ids[1]}", $"instance.cancel {ids[2]}", $"instance.move {ids[0]}", $"instance.cancel {ids[0]}",
                "journey.unpublish j", "journey.delete j", $"api_key.create {key}", $"api_key.revoke {key}",
            ],
            entries.Select(entry => $"{entry.GetProperty("action").GetString()} {entry.GetProperty("subject").GetString()}").Reverse());
        Assert.All(entries, entry => Assert.Equal($"Administrator ({server.AdminKey[..11]}…)", entry.GetProperty("actor").GetString()));
        Assert.Equal("complaint", entries[^1].GetProperty("detail").GetProperty("reason").GetString());
        Assert.DoesNotContain(made.GetProperty("key").GetString()!, string.Join("", entries.Select(entry => entry.GetRawText())));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_change_of_a_contact_is_recorded_with_the_names_of_what_changed_and_no_values(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var put = new { email = "ada@example.org", first_name = "Ada", attributes = new { plan = "secret", seats = 3 }, tags = new[] { "vip" }, consents = new { news = true, offers = false } };
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/ada", put);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/ada", put); // changes nothing
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/ada", new { last_name = "Lovelace", attributes = new { plan = (string?)null, seats = 3 }, city = "London", consents = new { news = false } });
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/bob", new { });
        await (await server.Admin.PutAsJsonAsync("/api/v1/contacts/eve", new { email = "nonsense" })).ProblemAsync(400);

        var entries = await EntriesAsync(server);
        Assert.Equal(
            [
                """contact.put ada {"fields":["attributes.plan","attributes.seats","consents.news","consents.offers","email","first_name","tags"]}""",
                """contact.put ada {"fields":["attributes.city","attributes.plan","consents.news","last_name"]}""",
                """contact.put bob {"fields":[]}""",
            ],
            entries.Select(entry => $"{entry.GetProperty("action").GetString()} {entry.GetProperty("subject").GetString()} {entry.GetProperty("detail").GetRawText().Replace(" ", "")}").Reverse());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_changes_nothing_or_is_refused_leaves_no_entry(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        for (var time = 0; time < 2; time++)
        {
            await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email = "bob@example.org" });
            await server.Admin.PutAsJsonAsync("/api/v1/templates/hi", new { subject = "Hi", html = "<p>Hi</p>" });
            await server.Admin.PutAsync("/api/v1/journeys/j", Json(Journey));
            foreach (var act in new[] { "publish", "pause" }) await server.Admin.PostAsync($"/api/v1/journeys/j/{act}", null);
        }
        await server.Admin.DeleteAsync("/api/v1/segments/none");
        await server.Admin.DeleteAsync("/api/v1/suppressions/nobody@example.org");
        await server.Admin.PutAsync("/api/v1/journeys/bad", Json("""{"root":{"type":"Elsa.Flowchart","id":"r","activities":[{"id":"x","type":"No.Such"}],"connections":[]}}"""));
        await (await server.Admin.PostAsync("/api/v1/journeys/bad/publish", null)).ProblemAsync(422);

        Assert.Equal(
            ["suppression.add", "template.put", "journey.save", "journey.publish", "journey.pause", "journey.save"],
            (await EntriesAsync(server)).Select(entry => entry.GetProperty("action").GetString()).Reverse());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_record_is_filtered_read_in_pages_and_for_the_accounts_administrators_alone(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var marketer = await server.ClientWithScopesAsync(Scopes.SegmentsWrite, Scopes.ContactsWrite);
        for (var i = 0; i < 4; i++) await marketer.PutAsJsonAsync($"/api/v1/segments/s{i}", new { rule = "true" });
        await server.Admin.PutAsJsonAsync("/api/v1/segments/s0", new { rule = "false" });
        await server.Database.WriteAsync(session => session.ExecuteAsync(
            "INSERT INTO audit (at, account_id, actor, action, subject, detail) SELECT at, 2, actor, action, subject, detail FROM audit", default), default);
        await server.Database.WriteAsync(session => session.ExecuteAsync(
            "INSERT INTO audit (at, account_id, actor, action, subject, detail) SELECT 1000, 1, actor, action, 's4', detail FROM audit WHERE subject = 's3' AND account_id = 1", default), default);

        Assert.Equal(2, (await EntriesAsync(server, "subject=s0")).Count);
        Assert.Equal("false", Assert.Single(await EntriesAsync(server, "subject=s0&actor=" + Uri.EscapeDataString($"Administrator ({server.AdminKey[..11]}…)"))).GetProperty("detail").GetProperty("rule").GetString());
        Assert.Single(await EntriesAsync(server, "action=api_key.create"));
        Assert.Equal("s4", Assert.Single(await EntriesAsync(server, "to=1970-01-01T00:00:02Z")).GetProperty("subject").GetString());
        Assert.Equal(5, (await EntriesAsync(server, "action=segment.put&from=1970-01-01T00:00:02Z")).Count);
        var all = await EntriesAsync(server);
        Assert.Equal(7, all.Count);
        Assert.Equal(all.Select(entry => entry.GetRawText()), (await EntriesAsync(server, "limit=2")).Select(entry => entry.GetRawText()));

        await (await marketer.GetAsync("/api/v1/audit")).ProblemAsync(403);
        await (await server.Admin.GetAsync("/api/v1/audit?cursor=no")).ProblemAsync(400);
        var problem = await (await server.Admin.GetAsync("/api/v1/audit?from=yesterday")).ProblemAsync(400);
        Assert.True(problem.GetProperty("errors").TryGetProperty("from", out _));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Users_are_recorded_too_and_what_one_does_in_the_console_under_their_address(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var made = await (await server.Admin.PostAsJsonAsync("/api/v1/users", new { email = "ada@example.org", name = "Ada", role = "viewer", password = ServerUnderTest.Password })).JsonAsync();
        var user = $"/api/v1/users/{made.GetProperty("id").GetString()}";
        await server.Admin.PutAsync(user, Json("""{"role":"editor"}"""));

        var ada = await server.SignedInAsync("ada@example.org", ServerUnderTest.Password);
        Assert.Equal(HttpStatusCode.OK, (await ada.PutAsJsonAsync("/api/v1/segments/vip", new { rule = "true" })).StatusCode);
        await server.Admin.DeleteAsync(user);

        var entries = await EntriesAsync(server);
        Assert.Equal(["user.create", "user.change", "segment.put", "user.delete"], entries.Select(entry => entry.GetProperty("action").GetString()).Reverse());
        Assert.Equal("editor", entries[2].GetProperty("detail").GetProperty("role").GetString());
        Assert.Equal("ada@example.org", entries[1].GetProperty("actor").GetString());
        Assert.DoesNotContain(ServerUnderTest.Password, string.Join("", entries.Select(entry => entry.GetRawText())));
    }

    /// <summary>Of each page of the record.</summary>
    private static async Task<List<JsonElement>> EntriesAsync(ServerUnderTest server, string query = "")
    {
        var entries = new List<JsonElement>();
        string? next = null;
        do
        {
            var page = await (await server.Admin.GetAsync($"/api/v1/audit?{query}&cursor={next}")).JsonAsync();
            entries.AddRange(page.GetProperty("items").EnumerateArray());
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);
        return entries;
    }

    /// <summary>A change and its record are one transaction: without the table there is no change.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_cannot_be_recorded_is_not_done(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        await server.Database.WriteAsync(session => session.ExecuteAsync("ALTER TABLE audit RENAME TO gone", default), default);

        await (await server.Admin.PutAsJsonAsync("/api/v1/segments/vip", new { rule = "true" })).ProblemAsync(500);

        await (await server.Admin.GetAsync("/api/v1/segments/vip")).ProblemAsync(404);
    }
}
