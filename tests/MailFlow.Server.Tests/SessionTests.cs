using System.Net;
using System.Net.Http.Json;
using MailFlow.Server.Access;
using MailFlow.Server.Hosting;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Signing in and out, and what ends a session.</summary>
public sealed class SessionTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_signs_in_is_known_until_signing_out(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var browser = server.Browser();
        await (await browser.GetAsync("/api/v1/session")).ProblemAsync(401);

        var signedIn = await browser.PostAsJsonAsync("/api/v1/session", new { email = " ADMIN@localhost", password = server.AdminPassword });

        Assert.Equal("""{"email":"admin@localhost","name":"Administrator","role":"admin"}""", await signedIn.Content.ReadAsStringAsync());
        Assert.Equal(await signedIn.Content.ReadAsStringAsync(), await browser.GetStringAsync("/api/v1/session"));
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/api/v1/api-keys")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await browser.DeleteAsync("/api/v1/session")).StatusCode);
        await (await browser.GetAsync("/api/v1/api-keys")).ProblemAsync(401);
        Assert.Equal(HttpStatusCode.NoContent, (await browser.DeleteAsync("/api/v1/session")).StatusCode);
    }

    [Fact]
    public async Task The_cookie_is_for_the_server_alone_and_on_https_for_https_alone()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var client = server.CreateClient(new() { BaseAddress = new("https://localhost"), HandleCookies = false });

        var plain = await CookieAsync(server.CreateClient(new() { HandleCookies = false }), server.AdminPassword);
        var secure = await CookieAsync(client, server.AdminPassword);

        foreach (var cookie in new[] { plain, secure })
        {
            Assert.StartsWith("mailflow_session=", cookie);
            Assert.Contains("; httponly", cookie);
            Assert.Contains("; samesite=lax", cookie);
            Assert.Contains("; path=/", cookie);
        }
        Assert.DoesNotContain("; secure", plain);
        Assert.Contains("; secure", secure);
    }

    // Seen red with the deletion of the row taken out of signing out.
    [Fact]
    public async Task Signing_out_ends_the_session_wherever_its_cookie_is()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var client = server.CreateClient(new() { HandleCookies = false });
        client.DefaultRequestHeaders.Add("Cookie", (await CookieAsync(client, server.AdminPassword)).Split(';')[0]);
        client.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/session")).StatusCode);

        await client.DeleteAsync("/api/v1/session");

        Assert.Contains("session has ended", (await (await client.GetAsync("/api/v1/session")).ProblemAsync(401)).GetProperty("detail").GetString());
    }

    // Seen red with EndsSessions answering no, but for disabling, which is looked at with each request too.
    [Theory]
    [InlineData("""{"role":"editor"}""", true)]
    [InlineData("""{"disabled":true}""", true)]
    [InlineData("""{"password":"another long password"}""", true)]
    [InlineData("""{"name":"Vera","email":"vera@example.org","role":"viewer","disabled":false}""", false)]
    public async Task A_change_of_role_password_or_disabling_ends_a_users_sessions(string change, bool ends)
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var browser = await server.SignedInAsync(Role.Viewer);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/api/v1/session")).StatusCode);

        var changed = await server.Admin.PutAsync($"/api/v1/users/{await UserTests.IdOfAsync(server, "viewer@example.org")}", Json(change));

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Equal(ends ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, (await browser.GetAsync("/api/v1/session")).StatusCode);
    }

    // Seen red without the comparison of stamps: the row of the session is put back here as a sign-in under way would have left it.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_session_begun_while_the_password_changed_does_not_hold(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var (users, sessions) = (server.Services.GetRequiredService<Users>(), server.Services.GetRequiredService<Sessions>());
        var before = (await users.FindByEmailAsync(FirstStart.AdminEmail, default))!;
        await users.ChangeAsync(1, before.User.Id, new UserChange(PasswordHash: "another"), default);

        var late = await sessions.BeginAsync(before, default);

        Assert.Null(await sessions.FindAsync(late, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_changes_the_password_stays_signed_in_here_and_nowhere_else(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var here = await server.SignedInAsync(Role.Viewer);
        var there = await server.SignedInAsync("viewer@example.org", ServerUnderTest.Password);

        var wrong = await (await here.PutAsJsonAsync("/api/v1/session/password", new { current = "not my password", @new = "a new long password" })).ProblemAsync(400);
        Assert.True(wrong.GetProperty("errors").TryGetProperty("current", out _));
        var weak = await (await here.PutAsJsonAsync("/api/v1/session/password", new { current = ServerUnderTest.Password, @new = "short" })).ProblemAsync(400);
        Assert.True(weak.GetProperty("errors").TryGetProperty("new", out _));
        var changed = await here.PutAsJsonAsync("/api/v1/session/password", new { current = ServerUnderTest.Password, @new = "a new long password" });

        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await here.GetAsync("/api/v1/session")).StatusCode);
        await (await there.GetAsync("/api/v1/session")).ProblemAsync(401);
        await (await server.Browser().PostAsJsonAsync("/api/v1/session", new { email = "viewer@example.org", password = ServerUnderTest.Password })).ProblemAsync(401);
        await server.SignedInAsync("viewer@example.org", "a new long password");
    }

    [Theory]
    [InlineData(11.9, 3, true)]
    [InlineData(12.1, 1, false)]
    [InlineData(11.9, 15, false)] // 7 days are over, however busy they were
    public async Task A_session_ends_when_idle_for_12_hours_and_after_7_days(double hours, int times, bool holds)
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(workers: false, time: time);
        // Cookies by hand: the client's own jar would go by the machine's clock.
        var client = server.CreateClient(new() { HandleCookies = false });
        var cookie = await CookieAsync(client, server.AdminPassword);
        var status = HttpStatusCode.OK;

        for (var i = 0; i < times; i++)
        {
            time.Advance(TimeSpan.FromHours(hours));
            var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/session") { Headers = { { "Cookie", cookie.Split(';')[0] } } };
            var answer = await client.SendAsync(request);
            status = answer.StatusCode;
            if (answer.Headers.TryGetValues("Set-Cookie", out var renewed)) cookie = renewed.Single();
        }

        Assert.Equal(holds ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, status);
    }

    // Seen red with the keys left where the framework puts them.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Another_node_and_a_restarted_one_know_the_session(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var cookie = await CookieAsync(server.CreateClient(new() { HandleCookies = false }), server.AdminPassword);
        await using var another = server.WithWebHostBuilder(builder => builder
            .UseSetting("urls", "http://127.0.0.1:1").UseSetting("MailFlow:DataDirectory", Path.Combine(server.DataDirectory, "another")));

        var client = another.CreateClient(new() { HandleCookies = false });
        client.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);

        Assert.NotSame(server.Services, another.Services);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/session")).StatusCode);
        Assert.True(await server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM data_protection_key", default), default) > 0);
    }

    // Seen red: both were remembered until an instant of the machine's clock.
    [Fact]
    public async Task A_clock_that_is_set_back_keeps_neither_a_revoked_key_nor_an_ended_session_alive_on_another_node()
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(workers: false, time: time);
        var (keys, sessions) = (new ApiKeys(server.Database), new Sessions(server.Database));
        var made = await (await server.Admin.PostAsJsonAsync("/api/v1/api-keys", new { name = "reader", scopes = new[] { "messages:read" } })).JsonAsync();
        await server.SignedInAsync("admin@localhost", server.AdminPassword);
        var id = await server.Database.ReadAsync(session => session.FirstAsync("SELECT id FROM user_session", row => row.Uuid(0), default), default);
        var secret = made.GetProperty("key").GetString()!;
        Assert.NotNull(await keys.FindAsync(secret, mayBeBlind: false, default));
        Assert.NotNull(await sessions.FindAsync(id, default));

        await server.Admin.DeleteAsync($"/api/v1/api-keys/{made.GetProperty("id").GetString()}");
        await new Sessions(server.Database).EndAsync(id, default);
        time.Step(TimeSpan.FromMinutes(-5));
        time.Advance(TimeSpan.FromSeconds(11));

        Assert.Null(await keys.FindAsync(secret, mayBeBlind: false, default));
        Assert.Null(await sessions.FindAsync(id, default));
    }

    [Theory]
    [InlineData("mailflow_session=nonsense")]
    [InlineData("mailflow_session=")]
    public async Task A_cookie_that_is_none_of_ours_answers_401(string cookie)
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var client = server.CreateClient(new() { HandleCookies = false });
        client.DefaultRequestHeaders.Add("Cookie", cookie);

        await (await client.GetAsync("/api/v1/journeys")).ProblemAsync(401);
    }

    [Fact]
    public async Task A_key_beside_a_cookie_goes_first_and_another_header_does_not_hide_the_cookie()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var browser = await server.SignedInAsync(Role.Admin);
        var key = (await (await server.Admin.PostAsJsonAsync("/api/v1/api-keys", new { name = "reader", scopes = new[] { "messages:read" } })).JsonAsync()).GetProperty("key").GetString();

        browser.DefaultRequestHeaders.Authorization = new("Bearer", key);
        await (await browser.GetAsync("/api/v1/journeys")).ProblemAsync(403);
        browser.DefaultRequestHeaders.Authorization = new("Bearer", "undefined");
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/api/v1/journeys")).StatusCode);
    }

    // Seen red without the middleware.
    [Theory]
    [InlineData("same-origin", null, true)]
    [InlineData("same-origin", "https://evil.example", true)] // the browser's own word
    [InlineData("same-site", "http://localhost", false)]
    [InlineData("cross-site", null, false)]
    [InlineData("none", null, false)]
    [InlineData(null, "http://localhost", true)]
    [InlineData(null, "http://localhost:8080", false)]
    [InlineData(null, "https://localhost", false)]
    [InlineData(null, "https://evil.example", false)]
    [InlineData(null, "null", false)]
    [InlineData(null, null, false)]
    public async Task With_a_cookie_only_our_own_pages_change_things(string? site, string? origin, bool allowed)
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var client = await server.SignedInAsync(Role.Admin);
        client.DefaultRequestHeaders.Remove("Sec-Fetch-Site");

        foreach (var (method, upgrade) in new[] { ("PUT", false), ("GET", false), ("GET", true) })
        {
            var request = new HttpRequestMessage(new HttpMethod(method), "/api/v1/segments/all");
            if (method == "PUT") request.Content = Json("""{"rule":"contact.email != \"\""}""");
            if (upgrade) request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
            if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
            if (origin is not null) request.Headers.Add("Origin", origin);

            var answer = await client.SendAsync(request);

            Assert.Equal(allowed || (method == "GET" && !upgrade), answer.StatusCode != HttpStatusCode.Forbidden);
        }
    }

    [Fact]
    public async Task A_form_of_another_site_cannot_sign_anybody_in()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var body = new StringContent($$"""{"email":"admin@localhost","password":"{{server.AdminPassword}}"}""", System.Text.Encoding.UTF8, "text/plain");

        var answer = await server.Browser().PostAsync("/api/v1/session", body);

        await answer.ProblemAsync(401);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    internal static async Task<string> CookieAsync(HttpClient client, string password)
    {
        var answer = await client.PostAsJsonAsync("/api/v1/session", new { email = FirstStart.AdminEmail, password });
        answer.EnsureSuccessStatusCode();
        return answer.Headers.GetValues("Set-Cookie").Single();
    }
}
