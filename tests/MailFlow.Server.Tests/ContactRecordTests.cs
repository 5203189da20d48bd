using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>What is on record about a contact, and what an account's data holds.</summary>
public sealed class ContactRecordTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Events_consents_and_trips_of_a_contact_are_listed_the_latest_first(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/team%2F7", new { first_name = "Ada" });
        await server.Admin.PostAsync("/api/v1/events", Json("""
            [{"event_id":"e1","event_type":"user_signed_up","user_id":"team/7","payload":{"plan":"pro","contact":{"email":"ada@example.org","first_name":"Ada","consents":{"newsletter":true}}}},
             {"event_id":"e2","event_type":"page_viewed","user_id":"team/7","payload":{"page":"/prices"}},
             {"event_id":"e3","event_type":"page_viewed","user_id":"team/7","payload":{"page":"/buy"}}]
            """));
        await server.EventuallyAsync("/api/v1/contacts/team%2F7/events", page => page.GetProperty("items").GetArrayLength() == 3);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/team%2F7", new { consents = new { newsletter = false } });

        Assert.Equal(["e3", "e2", "e1"], await ContactApiTests.AllAsync(server.Admin, "contacts/team%2F7/events", "event_id", 100));
        Assert.Equal(["e3", "e2"], (await ItemsAsync(server, "/api/v1/contacts/team%2F7/events?event_type=page_viewed")).Select(item => item.GetProperty("event_id").GetString()));
        Assert.Equal("/buy", (await ItemsAsync(server, "/api/v1/contacts/team%2F7/events?limit=1"))[0].GetProperty("payload").GetProperty("page").GetString());
        Assert.Equal([false, true], (await ItemsAsync(server, "/api/v1/contacts/team%2F7/consents")).Select(item => item.GetProperty("granted").GetBoolean()));
        var trips = await ItemsAsync(server, "/api/v1/contacts/team%2F7/instances");
        var trip = trips.Single(item => item.GetProperty("definition_id").GetString() == "welcome-series");
        Assert.Equal(("Running", 1), (trip.GetProperty("status").GetString(), trip.GetProperty("version").GetInt32()));
        foreach (var record in new[] { "events", "consents", "instances" }) await (await server.Admin.GetAsync($"/api/v1/contacts/nobody/{record}")).ProblemAsync(404);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Records_are_given_page_by_page_each_once(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { first_name = "Ada" });
        var events = string.Join(',', Enumerable.Range(0, 7).Select(i => $$"""{"event_id":"e{{i}}","event_type":"t","user_id":"u1","timestamp":"{{TimeProvider.System.GetUtcNow():yyyy-MM-dd}}T00:00:00Z"}"""));
        await server.Admin.PostAsync("/api/v1/events", Json($"[{events}]"));
        await server.EventuallyAsync("/api/v1/contacts/u1/events", page => page.GetProperty("items").GetArrayLength() == 7);
        for (var i = 0; i < 5; i++) await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { consents = new { newsletter = i % 2 == 0 } });

        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"e{6 - i}"), await ContactApiTests.AllAsync(server.Admin, "contacts/u1/events", "event_id", 3));
        Assert.Equal(5, (await ContactApiTests.AllAsync(server.Admin, "contacts/u1/consents", "purpose", 2)).Count);
        foreach (var record in new[] { "events", "consents", "instances" }) await (await server.Admin.GetAsync($"/api/v1/contacts/u1/{record}?cursor=nonsense!")).ProblemAsync(400);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Fields_tags_events_and_purposes_are_those_of_the_accounts_own_data(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new
        {
            email = "ada@example.org",
            attributes = new { plan = "pro", seats = 5, since = "2026-01-01T00:00:00Z", address = new { city = "Bath" } },
            tags = new[] { "vip" },
            consents = new { newsletter = true },
        });
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u2", new { attributes = new { plan = "free" }, tags = new[] { "vip", "beta" } });
        await server.Admin.PostAsync("/api/v1/events", Json("""
            {"event_id":"e1","event_type":"order_placed","user_id":"u1","payload":{"total":40,"gift":true,"items":[1],"ship":{"zip":"BA1"},"contact":{"first_name":"Ada"},"odd name":1}}
            """));
        await other.PutAsJsonAsync("/api/v1/contacts/x", new { attributes = new { secret = "theirs" }, tags = new[] { "theirs" }, consents = new { theirs = true } });
        await other.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"theirs","user_id":"x","payload":{"secret":1}}"""));
        await server.EventuallyAsync("/api/v1/contacts/u1/events", page => page.GetProperty("items").GetArrayLength() == 1);

        var fields = await (await server.Admin.GetAsync("/api/v1/fields")).JsonAsync();

        var contact = fields.GetProperty("contact").EnumerateArray().ToDictionary(field => field.GetProperty("name").GetString()!, field => field);
        Assert.Equal(["user_id", "email", "first_name", "last_name", "time_zone", "created_at", "last_opened_at", "last_clicked_at", "tags", "address.city", "plan", "seats", "since"], contact.Keys);
        Assert.Equal("number", contact["seats"].GetProperty("type").GetString());
        Assert.Equal("instant", contact["since"].GetProperty("type").GetString());
        Assert.Equal("""["free","pro"]""", contact["plan"].GetProperty("examples").GetRawText());
        Assert.Equal("""["vip","beta"]""", fields.GetProperty("tags").GetRawText());
        Assert.Equal("""["newsletter"]""", fields.GetProperty("purposes").GetRawText());
        var order = fields.GetProperty("events").EnumerateArray().Single();
        Assert.Equal(("order_placed", 1), (order.GetProperty("event_type").GetString(), order.GetProperty("count_30d").GetInt32()));
        Assert.Equal(["gift boolean", "items list", "ship.zip text", "total number"],
            order.GetProperty("fields").EnumerateArray().Select(field => $"{field.GetProperty("name").GetString()} {field.GetProperty("type").GetString()}"));
        Assert.Equal(JsonValueKind.Null, fields.GetProperty("events_counted_since").ValueKind);
    }

    [Fact]
    public async Task An_empty_account_has_the_fields_that_every_contact_has()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);

        var fields = await (await server.Admin.GetAsync("/api/v1/fields")).JsonAsync();

        Assert.Equal(9, fields.GetProperty("contact").GetArrayLength());
        Assert.Empty(fields.GetProperty("events").EnumerateArray());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Contacts_are_searched_and_suppressions_asked_by_address(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { email = "ada@example.org", first_name = "Ada" });
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u2", new { email = "bob@example.org" });
        foreach (var email in new[] { "ada@example.org", "bob@example.org" }) await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email });

        Assert.Equal(["u1"], await ContactApiTests.AllAsync(server.Admin, "contacts?search=AD", "user_id", 10, '&'));
        Assert.Equal("ada@example.org", (await ItemsAsync(server, "/api/v1/suppressions?email=ADA@example.org")).Single().GetProperty("email").GetString());
        Assert.Empty(await ItemsAsync(server, "/api/v1/suppressions?email=carol@example.org"));
        await (await server.Admin.GetAsync("/api/v1/contacts?search=a&email=b@example.org")).ProblemAsync(400);
        await (await server.Admin.GetAsync($"/api/v1/contacts?search={new string('x', 201)}")).ProblemAsync(400);
    }

    private static async Task<List<JsonElement>> ItemsAsync(ServerUnderTest server, string path) =>
        [.. (await (await server.Admin.GetAsync(path)).JsonAsync()).GetProperty("items").EnumerateArray()];
}
