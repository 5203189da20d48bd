using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Delivery;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>What the template editor asks.</summary>
public sealed class TemplateApiTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_saves_over_a_template_that_was_changed_meanwhile_is_told_so(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await PutAsync(server, "tabs", new { subject = "One", html = "<p>1</p>", if_version = 0 });
        await PutAsync(server, "tabs", new { subject = "Two", html = "<p>2</p>", if_version = 1 });

        var problem = await (await server.Admin.PutAsJsonAsync("/api/v1/templates/tabs", new { subject = "Other", html = "<p>other</p>", if_version = 1 })).ProblemAsync(409);

        Assert.Contains("its latest version is 2, not 1", problem.GetProperty("detail").GetString());
        Assert.Equal("Two", (await JsonAsync(server, "/api/v1/templates/tabs")).GetProperty("subject").GetString());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Versions_are_listed_and_each_comes_with_its_design(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        const string design = """{"pages":[{"component":"<mjml></mjml>"}]}""";

        await PutAsync(server, "hello", new { subject = "One", html = "<p>1</p>", design });
        await PutAsync(server, "hello", new { subject = "One", html = "<p>1</p>", design });
        await PutAsync(server, "hello", new { subject = "One", html = "<p>1</p>", design = """{"pages":[]}""" });
        await PutAsync(server, "hello", new { subject = "Two", html = "<p>2</p>" });

        Assert.Equal([3, 2, 1], (await JsonAsync(server, "/api/v1/templates/hello/versions")).GetProperty("items").EnumerateArray().Select(item => item.GetProperty("version").GetInt32()));
        Assert.Equal(["Two", "One", "One"], await ContactApiTests.AllAsync(server.Admin, "templates/hello/versions", "subject", 2));
        Assert.Equal(design, (await JsonAsync(server, "/api/v1/templates/hello/versions/1")).GetProperty("design").GetString());
        Assert.Equal(JsonValueKind.Null, (await JsonAsync(server, "/api/v1/templates/hello")).GetProperty("design").ValueKind);
        foreach (var path in new[] { "hello/versions/4", "none/versions", "none/versions/1" }) await (await server.Admin.GetAsync($"/api/v1/templates/{path}")).ProblemAsync(404);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        foreach (var path in new[] { "hello/versions", "hello/versions/1" }) await (await other.GetAsync($"/api/v1/templates/{path}")).ProblemAsync(404);
    }

    [Fact]
    public async Task A_design_is_json_of_at_most_a_megabyte()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);

        foreach (var design in new[] { "{", "plain", $"\"{new string('x', 1024 * 1024)}\"" })
        {
            var problem = await (await server.Admin.PutAsJsonAsync("/api/v1/templates/hello", new { subject = "s", html = "<p>h</p>", design })).ProblemAsync(400);
            Assert.True(problem.GetProperty("errors").TryGetProperty("design", out _));
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_preview_renders_what_is_stored_or_not_put_yet_as_a_contact(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { first_name = "Ada", attributes = new { plan = "pro" } });
        await PutAsync(server, "hello", new { subject = "Hello {{contact.first_name}}", html = "<p>{{contact.plan}} {{event.total}}</p>", stream = "marketing" });

        var stored = await PreviewAsync(server, new { user_id = "u1", @event = new { total = 40 } });
        var given = await PreviewAsync(server, new { contact = new { first_name = "Bob" } });
        var unsaved = await PreviewAsync(server, new { subject = "New", html = "<p>{{contat.first_name}}</p>", stream = "transactional", user_id = "u1" });

        Assert.Equal("Hello Ada", stored.GetProperty("subject").GetString());
        Assert.Contains("<p>pro 40</p>", stored.GetProperty("html").GetString());
        Assert.Contains("/unsubscribe/test", stored.GetProperty("html").GetString());
        Assert.Equal("Hello Bob", given.GetProperty("subject").GetString());
        Assert.Equal("""["contact.plan","event.total"]""", given.GetProperty("missing_variables").GetRawText());
        Assert.Contains("contat.first_name", unsaved.GetProperty("warnings")[0].GetString());
        Assert.Equal(1, (await JsonAsync(server, "/api/v1/templates/hello")).GetProperty("version").GetInt32());
        await (await server.Admin.PostAsJsonAsync("/api/v1/templates/none/preview", new { })).ProblemAsync(404);
        Assert.True((await (await server.Admin.PostAsJsonAsync("/api/v1/templates/hello/preview", new { html = "<p>{{#if}}</p>", subject = "s" })).ProblemAsync(400)).GetProperty("errors").TryGetProperty("html", out _));
        await (await server.Admin.PostAsJsonAsync("/api/v1/templates/hello/preview", new { html = "<p>x</p>", subject = "{{contact.none}}" })).ProblemAsync(422);
    }

    // Seen red without the demand: then whoever may read templates alone read any contact through one.
    [Fact]
    public async Task A_template_is_no_way_to_read_contacts()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { first_name = "Ada" });
        await PutAsync(server, "hello", new { subject = "Hello {{contact.first_name}}", html = "<p>h</p>" });
        var client = await server.ClientWithScopesAsync("templates:read", "templates:write");

        Assert.Contains("contacts:read", (await (await client.PostAsJsonAsync("/api/v1/templates/hello/preview", new { user_id = "u1" })).ProblemAsync(403)).GetProperty("detail").GetString());
        await (await client.PostAsJsonAsync("/api/v1/templates/hello/test-send", new { user_id = "u1", to = "me@example.org" })).ProblemAsync(403);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsJsonAsync("/api/v1/templates/hello/preview", new { contact = new { first_name = "Bob" } })).StatusCode);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_test_goes_to_the_address_given_is_marked_and_unsubscribes_nobody(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { email = "ada@example.org", first_name = "Ada" });
        await PutAsync(server, "hello", new { subject = "Hello {{contact.first_name}}", html = "<p>{{event.total}}</p>" });

        var sent = await (await server.Admin.PostAsJsonAsync("/api/v1/templates/hello/test-send", new { to = "me@example.org", user_id = "u1", @event = new { total = 7 } })).JsonAsync();

        Assert.Equal("[Test] Hello Ada", sent.GetProperty("subject").GetString());
        var mail = (await JsonAsync(server, "/api/v1/sandbox/messages")).GetProperty("items").EnumerateArray().Single();
        Assert.Equal(("me@example.org", "[Test] Hello Ada", sent.GetProperty("message_id").GetString()), (mail.GetProperty("to").GetString(), mail.GetProperty("subject").GetString(), mail.GetProperty("id").GetString()));
        Assert.Contains("/unsubscribe/test", mail.GetProperty("html").GetString());
        Assert.False(mail.GetProperty("headers").TryGetProperty("List-Unsubscribe", out _));
        Assert.Empty((await JsonAsync(server, "/api/v1/messages")).GetProperty("items").EnumerateArray());
        Assert.Equal(HttpStatusCode.NotFound, (await server.ClientWith(null).GetAsync("/unsubscribe/test")).StatusCode);
    }

    // Seen red: 500, and no reason.
    [Fact]
    public async Task A_test_that_the_provider_refuses_says_why()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false, configure: services => services.AddSingleton<IProviderType>(
            new StubType(new StubProvider { Answer = _ => StubAnswer.SenderFault, Fault = new("401 the API key is refused", FaultScope.Connection) })));
        (await server.Admin.PutAsJsonAsync("/api/v1/connections/real", new { type = "stub" })).EnsureSuccessStatusCode();
        (await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = "Shop", email = "hello@shop.test", postal_address = "1 High Street" })).EnsureSuccessStatusCode();
        await PutAsync(server, "hello", new { subject = "Hello", html = "<p>h</p>" });

        var problem = await (await server.Admin.PostAsJsonAsync("/api/v1/templates/hello/test-send", new { to = "me@example.org" })).ProblemAsync(502);
        Assert.Contains("401 the API key is refused", problem.GetProperty("detail").GetString());
    }

    // Before it takes an account's mail, a connection is tried while it is switched off.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_connection_is_tried_while_it_is_switched_off_and_says_why_it_takes_no_mail(DatabaseKind kind)
    {
        var answer = StubAnswer.Accept;
        OutgoingEmail? last = null;
        var provider = new StubProvider { Fault = new("401 the API key is refused", FaultScope.Connection), Answer = _ => answer, OnSend = mail => last = mail };
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, configure: services => services.AddSingleton<IProviderType>(new StubType(provider)));
        (await server.Admin.PutAsJsonAsync("/api/v1/connections/real", new { type = "stub", enabled = false })).EnsureSuccessStatusCode();
        Task<HttpResponseMessage> TryAsync(string to, string key = "real") => server.Admin.PostAsJsonAsync($"/api/v1/connections/{key}/test", new { to });

        Assert.Contains("an address of yours", (await (await TryAsync("me@example.org")).ProblemAsync(409)).GetProperty("detail").GetString());
        (await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = "Shop", email = "hello@shop.test" })).EnsureSuccessStatusCode();
        Assert.Equal("[Test] The connection real", (await (await TryAsync("me@example.org")).JsonAsync()).GetProperty("subject").GetString());
        Assert.Equal(("me@example.org", "hello@shop.test"), (last?.To.ToString(), last?.From.Address.ToString()));

        answer = StubAnswer.SenderFault;
        Assert.Contains("401 the API key is refused", (await (await TryAsync("me@example.org")).ProblemAsync(502)).GetProperty("detail").GetString());
        Assert.Empty((await JsonAsync(server, "/api/v1/sending")).GetProperty("stops").EnumerateArray());
        foreach (var to in new[] { "", "nonsense" }) await (await TryAsync(to)).ProblemAsync(400);
        await (await TryAsync("me@example.org", "none")).ProblemAsync(404);
        (await server.Admin.PutAsJsonAsync("/api/v1/account", new { name = "Shop", region = "eu" })).EnsureSuccessStatusCode();
        Assert.Contains("not in the account's region", (await (await TryAsync("me@example.org")).ProblemAsync(409)).GetProperty("detail").GetString());
        Assert.Equal(2, (await JsonAsync(server, "/api/v1/audit?action=connection.test")).GetProperty("items").GetArrayLength());
    }

    // Seen red without the look at the suppressions.
    [Fact]
    public async Task A_suppressed_address_gets_no_test_either()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await PutAsync(server, "hello", new { subject = "Hello", html = "<p>h</p>" });
        await server.Admin.PostAsJsonAsync("/api/v1/suppressions", new { email = "me@example.org", reason = "complaint" });

        await (await server.Admin.PostAsJsonAsync("/api/v1/templates/hello/test-send", new { to = "ME@example.org" })).ProblemAsync(409);
        foreach (var to in new[] { "", "nonsense" }) await (await server.Admin.PostAsJsonAsync("/api/v1/templates/hello/test-send", new { to })).ProblemAsync(400);
        await (await server.Admin.PostAsJsonAsync("/api/v1/templates/none/test-send", new { to = "you@example.org" })).ProblemAsync(404);
        Assert.Empty((await JsonAsync(server, "/api/v1/sandbox/messages")).GetProperty("items").EnumerateArray());
    }

    // Seen red without the count: who may write templates could mail anybody, any number, past every journey.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Tests_are_on_record_and_no_more_than_fifty_go_in_an_hour(DatabaseKind kind)
    {
        const int MostInAnHour = TrialMail.MostInAnHour;
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, time: time);
        await PutAsync(server, "hello", new { subject = "Hello", html = "<p>h</p>" });
        Task<HttpResponseMessage> SendAsync(string to) => server.Admin.PostAsJsonAsync("/api/v1/templates/hello/test-send", new { to });

        Assert.Equal(HttpStatusCode.OK, (await SendAsync("first@example.org")).StatusCode);
        time.Advance(TimeSpan.FromMinutes(20));
        var answers = await Task.WhenAll(Enumerable.Range(0, MostInAnHour).Select(i => SendAsync($"u{i}@example.org")));

        Assert.Equal(MostInAnHour - 1, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        var refused = answers.Single(answer => answer.StatusCode != HttpStatusCode.OK);
        await refused.ProblemAsync(429);
        Assert.Equal(TimeSpan.FromMinutes(40), refused.Headers.RetryAfter?.Delta);
        Assert.Equal(MostInAnHour, (await JsonAsync(server, "/api/v1/sandbox/messages")).GetProperty("items").GetArrayLength());
        var record = (await JsonAsync(server, "/api/v1/audit?action=template.test")).GetProperty("items").EnumerateArray().Last();
        Assert.Equal(("hello", "first@example.org"), (record.GetProperty("subject").GetString(), record.GetProperty("detail").GetProperty("to").GetString()));

        time.Advance(TimeSpan.FromMinutes(40));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync("later@example.org")).StatusCode);
        await (await SendAsync("more@example.org")).ProblemAsync(429);

        (await server.Admin.PutAsJsonAsync("/api/v1/connections/box", new { type = "sandbox" })).EnsureSuccessStatusCode();
        await (await server.Admin.PostAsJsonAsync("/api/v1/connections/box/test", new { to = "more@example.org" })).ProblemAsync(429);
    }

    private static async Task PutAsync(ServerUnderTest server, string key, object template) =>
        (await server.Admin.PutAsJsonAsync($"/api/v1/templates/{key}", template)).EnsureSuccessStatusCode();

    private static async Task<JsonElement> PreviewAsync(ServerUnderTest server, object body) => await (await server.Admin.PostAsJsonAsync("/api/v1/templates/hello/preview", body)).JsonAsync();

    private static async Task<JsonElement> JsonAsync(ServerUnderTest server, string path) => await (await server.Admin.GetAsync(path)).JsonAsync();
}
