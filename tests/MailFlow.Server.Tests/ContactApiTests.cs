using System.Net;
using System.Net.Http.Json;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>Contacts and suppressions over HTTP, and how lists are paged.</summary>
public sealed class ContactApiTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_contact_that_was_put_is_given_back(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);

        var put = await server.Admin.PutAsJsonAsync("/api/v1/contacts/u%20%C3%BC1", new
        {
            email = "Ada@Example.org",
            first_name = "Ada",
            last_name = "Lovelace",
            time_zone = "Europe/London",
            attributes = new { plan = "pro", seats = 5, since = "2026-01-01" },
            tags = new[] { "vip" },
            consents = new { news = true },
        });
        var contact = await (await server.Admin.GetAsync("/api/v1/contacts/u%20%C3%BC1")).JsonAsync();

        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        Assert.Equal("u ü1", contact.GetProperty("user_id").GetString());
        Assert.Equal("Ada", contact.GetProperty("first_name").GetString());
        Assert.Equal("Europe/London", contact.GetProperty("time_zone").GetString());
        Assert.Equal("""{"plan":"pro","seats":5,"since":"2026-01-01"}""", contact.GetProperty("attributes").GetRawText());
        Assert.Equal("""["vip"]""", contact.GetProperty("tags").GetRawText());
        Assert.Equal("""{"news":true}""", contact.GetProperty("consents").GetRawText());
    }

    /// <summary>Seen red while events took shorter ids than contacts.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_id_is_as_long_for_events_as_for_contacts(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var (longest, longer) = (new string('u', 256), new string('u', 257));

        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsJsonAsync($"/api/v1/contacts/{longest}", new { })).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await EventAsync(longest)).StatusCode);
        await (await server.Admin.PutAsJsonAsync($"/api/v1/contacts/{longer}", new { })).ProblemAsync(400);
        await (await EventAsync(longer)).ProblemAsync(400);

        Task<HttpResponseMessage> EventAsync(string user) => server.Admin.PostAsJsonAsync("/api/v1/events", new { event_id = "e1", event_type = "t", user_id = user });
    }

    [Theory]
    [InlineData("team/7")]
    [InlineData("a+b c&d=e?f#g%h")]
    [InlineData("ünï-🎉")]
    public async Task An_id_may_hold_what_an_address_must_escape(string userId)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var path = $"/api/v1/contacts/{Uri.EscapeDataString(userId)}";

        await server.Admin.PutAsJsonAsync(path, new { first_name = "Ada" });

        Assert.Equal(userId, (await (await server.Admin.GetAsync(path)).JsonAsync()).GetProperty("user_id").GetString());
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.GetAsync(path + "/trace")).StatusCode);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_list_is_given_page_by_page_each_item_once(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        for (var i = 0; i < 7; i++) await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email = $"u{i}@example.org" });
        for (var i = 0; i < 4; i++) await server.Admin.PostAsJsonAsync("/api/v1/api-keys", new { name = $"k{i}", scopes = new[] { "admin" } });

        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"u{i}@example.org"), await AllAsync(server.Admin, "suppressions", "email", 3));
        // Keys made in one millisecond come in any order.
        Assert.Equal(["Administrator", "k0", "k1", "k2", "k3"], (await AllAsync(server.Admin, "api-keys", "name", 2)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_suppressed_address_is_listed_until_it_is_let_go()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var added = await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email = "ada@example.org", reason = "hard bounce", scope = "marketing" });
        var again = await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email = "ada@example.org", reason = "hard bounce", scope = "marketing" });

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (added.StatusCode, again.StatusCode));
        Assert.Equal("hard_bounce", (await added.JsonAsync()).GetProperty("reason").GetString());
        Assert.Equal(["ada@example.org"], await AllAsync(server.Admin, "suppressions", "email", 100));
        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/suppressions/ada%40example.org")).StatusCode);
        Assert.Empty(await AllAsync(server.Admin, "suppressions", "email", 100));
        await (await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email = "ada@example.org", scope = "some" })).ProblemAsync(400);
    }

    [Fact]
    public async Task The_sender_that_was_put_is_given_back_and_one_without_an_address_is_refused()
    {
        await using var server = await ServerUnderTest.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = "Acme", email = "news@acme.example", postal_address = "1 Main St" })).StatusCode);
        Assert.Equal("1 Main St", (await (await server.Admin.GetAsync("/api/v1/sender")).JsonAsync()).GetProperty("postal_address").GetString());
        foreach (var email in new[] { null, "", "nonsense" })
            Assert.True((await (await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = "Acme", email })).ProblemAsync(400)).TryGetProperty("errors", out _));
    }

    internal static async Task<List<string?>> AllAsync(HttpClient client, string list, string member, int limit, char separator = '?')
    {
        var found = new List<string?>();
        string? cursor = null;
        do
        {
            var page = await (await client.GetAsync($"/api/v1/{list}{separator}limit={limit}{(cursor is null ? "" : $"&cursor={cursor}")}")).JsonAsync();
            var items = page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty(member).GetString()).ToList();
            Assert.True(items.Count <= limit);
            found.AddRange(items);
            cursor = page.GetProperty("next").GetString();
        }
        while (cursor is not null);
        return found;
    }
}
