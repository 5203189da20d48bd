using System.Net;
using System.Net.Http.Json;
using System.Text;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Imports, exports and what persons ask of their data, over HTTP.</summary>
public sealed class PrivacyApiTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_contact_in_the_middle_of_a_journey_is_exported_and_then_forgotten(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);
        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"user_signed_up","user_id":"u1","payload":{"contact":{"email":"ada@example.org","first_name":"Ada"}}}"""));
        var sent = await server.EventuallyAsync("/api/v1/messages?user_id=u1&state=accepted", page => page.GetProperty("items").GetArrayLength() == 1);
        var instance = sent.GetProperty("items")[0].GetProperty("instance_id").GetString();

        var export = await (await server.Admin.GetAsync("/api/v1/contacts/u1/export")).JsonAsync();
        Assert.Equal("ada@example.org", export.GetProperty("profile")[0].GetProperty("email").GetString());
        Assert.Equal("welcome-series", export.GetProperty("journeys")[0].GetProperty("journey").GetString());
        Assert.Equal("ada@example.org", export.GetProperty("messages")[0].GetProperty("to").GetString());
        var csv = await server.Admin.GetAsync("/api/v1/contacts/u1/export?format=csv");
        Assert.Contains("profile,1,email,ada@example.org\r\n", await csv.Content.ReadAsStringAsync());

        var noted = await (await server.Admin.PostAsJsonAsync("/api/v1/privacy/requests", new { kind = "erasure", user_id = "u1", received_at = "2026-01-31T10:00:00Z" })).JsonAsync();
        Assert.Equal("2026-02-28T10:00:00.000Z", noted.GetProperty("due_at").GetString());
        var begun = await server.Admin.PostAsync("/api/v1/contacts/u1/erase", null);
        Assert.True(begun.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.OK);
        var id = (await begun.JsonAsync()).GetProperty("id").GetString();
        Assert.Equal(noted.GetProperty("id").GetString(), id);
        var done = await server.EventuallyAsync($"/api/v1/privacy/requests/{id}", request => request.GetProperty("done_at").ValueKind == System.Text.Json.JsonValueKind.String);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, done.GetProperty("user_id").ValueKind);
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync("/api/v1/contacts/u1/erase", null)).StatusCode);

        await (await server.Admin.GetAsync("/api/v1/contacts/u1")).ProblemAsync(404);
        var left = Assert.Single((await (await server.Admin.GetAsync("/api/v1/contacts")).JsonAsync()).GetProperty("items").EnumerateArray());
        Assert.Equal(System.Text.Json.JsonValueKind.String, left.GetProperty("erased_at").ValueKind);
        await (await server.Admin.GetAsync($"/api/v1/instances/{instance}")).ProblemAsync(404);
        Assert.Empty((await (await server.Admin.GetAsync("/api/v1/sandbox/messages")).JsonAsync()).GetProperty("items").EnumerateArray());
        var ledger = (await (await server.Admin.GetAsync("/api/v1/messages")).JsonAsync()).GetProperty("items")[0];
        Assert.Equal(("accepted", System.Text.Json.JsonValueKind.Null), (ledger.GetProperty("state").GetString(), ledger.GetProperty("to").ValueKind));
        var audit = await (await server.Admin.GetAsync("/api/v1/audit")).Content.ReadAsStringAsync();
        Assert.Contains("contact.erase", audit);
        Assert.DoesNotContain("ada@", audit, StringComparison.OrdinalIgnoreCase);
        var back = await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email = "ada@example.org" });
        var erased = await back.JsonAsync();
        Assert.Equal("erased", erased.GetProperty("kind").GetString());

        // It is lifted by what the list shows of it, as no address is left.
        var hash = Uri.EscapeDataString(erased.GetProperty("email").GetString()!);
        Assert.Single((await (await server.Admin.GetAsync($"/api/v1/suppressions/{hash}")).JsonAsync()).GetProperty("items").EnumerateArray());
        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync($"/api/v1/suppressions/{hash}?scope=all")).StatusCode);
        await (await server.Admin.GetAsync("/api/v1/suppressions/ada@example.org")).ProblemAsync(404);
    }

    [Fact]
    public async Task Suppressions_and_contacts_come_in_as_CSV_and_go_out_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        const string csv = "email,scope,reason\r\nada@example.org,,complaint\r\nnobody,,\r\n@rival.example,marketing,\r\n";

        var tried = await (await PostAsync("/api/v1/suppressions/import?dry_run=true", csv)).JsonAsync();
        Assert.Equal((true, 2), (tried.GetProperty("dry_run").GetBoolean(), tried.GetProperty("added").GetInt32()));
        var report = await (await PostAsync("/api/v1/suppressions/import", csv)).JsonAsync();
        Assert.Equal((3, 2, 1), (report.GetProperty("lines").GetInt32(), report.GetProperty("added").GetInt32(), report.GetProperty("rejected").GetInt32()));
        Assert.Equal("""{"line":3,"field":"email","problem":"is neither an e-mail address nor a domain such as @example.org"}""", report.GetProperty("errors")[0].GetRawText());
        var exported = await server.Admin.GetAsync("/api/v1/suppressions/export");
        Assert.Equal("text/csv", exported.Content.Headers.ContentType?.MediaType);
        Assert.Contains("\r\n'@rival.example,marketing,manual,import,", await exported.Content.ReadAsStringAsync());
        Assert.Equal("@rival.example", (await (await server.Admin.GetAsync("/api/v1/suppressions?search=RIVAL")).JsonAsync()).GetProperty("items")[0].GetProperty("email").GetString());

        var contacts = await (await PostAsync("/api/v1/contacts/import", "user_id,email,attributes.plan\nu1,ada@example.org,pro\n")).JsonAsync();
        Assert.Equal(1, contacts.GetProperty("added").GetInt32());
        Assert.Equal("pro", (await (await server.Admin.GetAsync("/api/v1/contacts/u1")).JsonAsync()).GetProperty("attributes").GetProperty("plan").GetString());
        await (await server.Admin.PostAsync("/api/v1/contacts/import", Json("[]"))).ProblemAsync(415);
        var bad = await (await PostAsync("/api/v1/contacts/import", "mail\nx\n")).ProblemAsync(400);
        Assert.True(bad.GetProperty("errors").TryGetProperty("heading", out _));

        var actions = (await (await server.Admin.GetAsync("/api/v1/audit")).JsonAsync()).GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()).ToList();
        Assert.Equal(["contact.import", "suppression.import"], actions);

        Task<HttpResponseMessage> PostAsync(string path, string text) => server.Admin.PostAsync(path, new StringContent(text, Encoding.UTF8, "text/csv"));
    }

    [Fact]
    public async Task Consents_purposes_and_the_account_are_kept_and_recorded()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { email = "ada@example.org" });

        var given = new { purpose = "news", granted = true, basis = "implied", implied_by = "purchase", given_at = "2026-01-31T00:00:00Z", jurisdiction = "CA", ip = "203.0.113.7" };
        Assert.True((await (await server.Admin.PostAsJsonAsync("/api/v1/contacts/u1/consents", given)).JsonAsync()).GetProperty("recorded").GetBoolean());
        Assert.False((await (await server.Admin.PostAsJsonAsync("/api/v1/contacts/u1/consents", given)).JsonAsync()).GetProperty("recorded").GetBoolean());
        var entry = (await (await server.Admin.GetAsync("/api/v1/contacts/u1/consents")).JsonAsync()).GetProperty("items")[0];
        Assert.Equal(("implied", "2028-01-31T00:00:00.000Z", "CA"), (entry.GetProperty("basis").GetString(), entry.GetProperty("expires_at").GetString(), entry.GetProperty("jurisdiction").GetString()));
        await server.Admin.PostAsJsonAsync("/api/v1/contacts/u1/consents", new { purpose = "offers", granted = false });
        var kept = await (await server.Admin.PostAsJsonAsync("/api/v1/contacts/u1/consents", new { purpose = "offers", granted = true, basis = "legitimate_interest" })).JsonAsync();
        Assert.Equal((false, true), (kept.GetProperty("recorded").GetBoolean(), kept.GetProperty("kept_withdrawn").GetBoolean()));
        // What is not said is no withdrawal.
        var silent = await (await server.Admin.PostAsJsonAsync("/api/v1/contacts/u1/consents", new { purpose = "news" })).ProblemAsync(400);
        Assert.Contains("is missing", silent.GetProperty("errors").GetProperty("granted")[0].GetString());
        var wrong = await (await server.Admin.PostAsJsonAsync("/api/v1/contacts/u1/consents", new { purpose = "news", granted = true, ip = "<script>" })).ProblemAsync(400);
        Assert.True(wrong.GetProperty("errors").TryGetProperty("ip", out _));

        Assert.Equal(1, (await (await server.Admin.PutAsJsonAsync("/api/v1/purposes/news", new { name = "News" })).JsonAsync()).GetProperty("version").GetInt32());
        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/purposes/news")).StatusCode);
        await (await server.Admin.DeleteAsync("/api/v1/purposes/news")).ProblemAsync(404);
        Assert.Equal("eu", (await (await server.Admin.PutAsJsonAsync("/api/v1/account", new { name = "Shop", region = "eu" })).JsonAsync()).GetProperty("region").GetString());
        await (await server.Admin.PutAsJsonAsync("/api/v1/account", new { name = "Shop", region = "EU; DROP" })).ProblemAsync(400);

        var actions = (await (await server.Admin.GetAsync("/api/v1/audit")).JsonAsync()).GetProperty("items").EnumerateArray().Select(item => item.GetProperty("action").GetString()).Reverse();
        Assert.Equal(["contact.put", "consent.grant", "consent.withdraw", "purpose.put", "purpose.delete", "account.put"], actions);
    }
}
