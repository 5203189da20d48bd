using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>Sending domains: their API, and what they mean for a publish.</summary>
public sealed class DomainsApiTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domain_is_set_up_checked_and_forgotten(DatabaseKind kind)
    {
        await using var dns = await RealDnsServer.StartAsync(RealDnsServer.Txt("shop.test", "v=spf1 ~all"), RealDnsServer.Txt("_dmarc.shop.test", "v=DMARC1; p=none"), "mx-host=shop.test,mx.shop.test,10");
        await using var server = await StartAsync(dns, new("sandbox"), kind);

        var put = await (await server.Admin.PutAsJsonAsync("/api/v1/domains/Shop.test", new { dkim_key = "generate", tracking_host = "links.shop.test" })).JsonAsync();
        Assert.Equal(("shop.test", "not_checked"), (put.GetProperty("domain").GetString(), put.GetProperty("state").GetString()));
        var record = put.GetProperty("next_dkim").GetProperty("record");
        Assert.Equal("TXT", record.GetProperty("type").GetString());
        Assert.StartsWith("v=DKIM1; k=rsa; p=", record.GetProperty("value").GetString());
        Assert.DoesNotContain("PRIVATE", put.GetRawText());

        var found = await (await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null)).JsonAsync();
        Assert.Equal("fail", found.GetProperty("state").GetString());
        var checks = found.GetProperty("checks").EnumerateArray().ToDictionary(check => check.GetProperty("name").GetString()!, check => check.GetProperty("state").GetString());
        Assert.Equal(("pass", "fail", "pass", "pass", "not_checked"), (checks["spf"], checks["dkim"], checks["dmarc"], checks["mail"], checks["relay"]));
        Assert.Equal(found.GetRawText(), (await (await server.Admin.GetAsync("/api/v1/domains/shop.test")).JsonAsync()).GetRawText());
        Assert.Equal(1, (await (await server.Admin.GetAsync("/api/v1/domains")).JsonAsync()).GetProperty("items").GetArrayLength());

        var other = await AccountIsolationTests.SecondAccountAsync(server);
        Assert.Equal(0, (await (await other.GetAsync("/api/v1/domains")).JsonAsync()).GetProperty("items").GetArrayLength());
        await (await other.GetAsync("/api/v1/domains/shop.test")).ProblemAsync(404);
        await (await other.PostAsync("/api/v1/domains/shop.test/check", null)).ProblemAsync(404);
        await (await other.DeleteAsync("/api/v1/domains/shop.test")).ProblemAsync(404);

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/domains/shop.test")).StatusCode);
        await (await server.Admin.GetAsync("/api/v1/domains/shop.test")).ProblemAsync(404);
    }

    [Fact]
    public async Task What_cannot_be_used_is_refused_by_name()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var (domain, body, field) in new (string, object, string)[]
        {
            ("localhost", new { }, "domain"), ("shop.test", new { return_path = "a b" }, "return_path"), ("shop.test", new { dkim_selector = "a_b c" }, "dkim_selector"),
            ("shop.test", new { dkim_private_key = "secret" }, "dkim_private_key"),
        })
        {
            var problem = await (await server.Admin.PutAsJsonAsync($"/api/v1/domains/{domain}", body)).ProblemAsync(400);
            Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), problem.GetRawText());
        }
        await (await (await server.ClientWithScopesAsync("messages:read")).PutAsJsonAsync("/api/v1/domains/shop.test", new { })).ProblemAsync(403);
        await (await (await server.ClientWithScopesAsync("messages:read")).PostAsync("/api/v1/domains/shop.test/check", null)).ProblemAsync(403);
        await (await (await server.ClientWithScopesAsync("contacts:read")).GetAsync("/api/v1/domains")).ProblemAsync(403);
    }

    // Seen red with the check not registered.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Marketing_mail_is_not_published_from_a_domain_that_failed_or_without_a_postal_address(DatabaseKind kind)
    {
        await using var dns = await RealDnsServer.StartAsync();
        await using var server = await StartAsync(dns, new("sendgrid"), kind);
        await PutJourneyAsync(server);
        await SenderAsync(server, null);

        Assert.Equal(["postal_address_missing"], (await FindingsAsync(server, 422)).Errors);
        await SenderAsync(server, "1 High Street");
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        Assert.Equal(["sending_domain_failed"], (await FindingsAsync(server, 422)).Errors);

        // Neither another set-up nor none at all opens the gate: a check does.
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { tracking_host = "links.shop.test" });
        Assert.Equal(["sending_domain_failed"], (await FindingsAsync(server, 422)).Errors);
        await server.Admin.DeleteAsync("/api/v1/domains/shop.test");
        await (await server.Admin.GetAsync("/api/v1/domains/shop.test")).ProblemAsync(404);
        Assert.Equal(["sending_domain_failed"], (await FindingsAsync(server, 422)).Errors);

        await SenderAsync(server, "1 High Street", "hello@other.test");
        var published = await FindingsAsync(server, 200);
        Assert.Empty(published.Errors);
        Assert.Contains("sending_domain_unchecked", published.Warnings);
    }

    [Theory]
    [InlineData("sendgrid", 422)]
    [InlineData("sandbox", 200)]
    public async Task Marketing_mail_is_not_published_where_its_links_reach_nobody(string provider, int status)
    {
        await using var dns = await RealDnsServer.StartAsync();
        await using var server = await StartAsync(dns, new(provider), DatabaseKind.Sqlite, publicAddress: null); // http://localhost, as a first start has it
        await PutJourneyAsync(server);
        await SenderAsync(server, "1 High Street");

        Assert.Equal(status == 422 ? ["public_address_not_https"] : [], (await FindingsAsync(server, status)).Errors);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task While_a_journey_with_marketing_mail_is_published_the_sender_changes_to_none_that_a_publish_would_refuse(DatabaseKind kind)
    {
        await using var dns = await RealDnsServer.StartAsync();
        await using var server = await StartAsync(dns, new("sendgrid"), kind);
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        await PutJourneyAsync(server);
        await SenderAsync(server, "1 High Street", "hello@other.test");
        Assert.Empty((await FindingsAsync(server, 200)).Errors);

        await RefusedAsync(new { name = "Shop", email = "hello@shop.test", postal_address = "1 High Street" }, "email");
        await RefusedAsync(new { name = "Shop", email = "hello@other.test", postal_address = " " }, "postal_address");
        await RefusedAsync(new { name = " ", email = "hello@other.test", postal_address = "1 High Street" }, "name");
        Assert.Equal("hello@other.test", (await (await server.Admin.GetAsync("/api/v1/sender")).JsonAsync()).GetProperty("email").GetString());
        await SenderAsync(server, "2 High Street", "shop@other.test");

        await server.Admin.PostAsync("/api/v1/journeys/greeting/unpublish", null);
        await SenderAsync(server, "1 High Street");

        async Task RefusedAsync(object sender, string field)
        {
            var problem = await (await server.Admin.PutAsJsonAsync("/api/v1/sender", sender)).ProblemAsync(400);
            Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), problem.GetRawText());
        }
    }

    // Seen red: it was taken, and nothing stopped.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "made")]
    [InlineData(DatabaseKind.PostgreSql, "made")]
    [InlineData(DatabaseKind.Sqlite, "weighted")]
    [InlineData(DatabaseKind.Sqlite, "enabled")]
    [InlineData(DatabaseKind.Sqlite, "sandbox removed")]
    [InlineData(DatabaseKind.Sqlite, "region opened")]
    public async Task The_first_real_route_stops_marketing_mail_that_was_published_in_the_sandbox_from_a_sender_that_no_publish_lets_through(DatabaseKind kind, string how)
    {
        await using var dns = await RealDnsServer.StartAsync();
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, configure: services =>
        {
            var options = (DeliveryOptions)services.Last(service => service.ServiceType == typeof(DeliveryOptions)).ImplementationInstance!;
            services.AddSingleton(options with { Dns = new DnsOptions { Servers = [$"127.0.0.1:{dns.Port}"] }, Provider = "smtp", Smtp = new() { Host = "127.0.0.1" } });
        });
        const string real = "/api/v1/connections/real", captured = "/api/v1/connections/captured", account = "/api/v1/account";
        var draft = new { type = "postmark", settings = new { server_token = "t" } };
        await PutAsync(captured, new { type = "sandbox" });
        if (how == "weighted") await PutAsync(real, new { draft.type, draft.settings, marketing_weight = 0, transactional_weight = 0 });
        if (how == "enabled") await PutAsync(real, new { draft.type, draft.settings, enabled = false });
        if (how == "region opened")
        {
            await PutAsync(account, new { name = "Shop", region = "eu" });
            await PutAsync(real, draft);
        }
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        await PutJourneyAsync(server);
        await SenderAsync(server, null);
        Assert.Contains("sending_domain_failed", (await FindingsAsync(server, 200)).Warnings);
        Assert.Empty(await StopsAsync(server));

        await ChangeAsync();
        var stop = Assert.Single(await StopsAsync(server));
        Assert.Equal(("sender", "marketing"), (stop.GetProperty("subject").GetString(), stop.GetProperty("stream").GetString()));
        Assert.Matches("^Marketing mail must show.* postal address.*shop\\.test.*failed.*Once that is mended.*'greeting'\\.$", stop.GetProperty("reason").GetString());
        await RefusedAsync("postal address.*shop\\.test.*failed");

        // It says what is left of its causes, and ends with the last of them.
        await SenderAsync(server, "1 High Street");
        Assert.DoesNotContain("postal address", Assert.Single(await StopsAsync(server)).GetProperty("reason").GetString());
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        Assert.Single(await StopsAsync(server));
        await RefusedAsync("shop\\.test.*failed");
        await SenderAsync(server, "1 High Street", "hello@other.test");
        Assert.Empty(await StopsAsync(server));

        async Task ChangeAsync() => (await (how switch
        {
            "weighted" => server.Admin.PutAsJsonAsync(real, new { marketing_weight = 1 }),
            "enabled" => server.Admin.PutAsJsonAsync(real, new { enabled = true }),
            "sandbox removed" => server.Admin.DeleteAsync(captured),
            "region opened" => server.Admin.PutAsJsonAsync(account, new { name = "Shop" }),
            _ => server.Admin.PutAsJsonAsync(real, draft),
        })).EnsureSuccessStatusCode();

        async Task PutAsync(string path, object body) => (await server.Admin.PutAsJsonAsync(path, body)).EnsureSuccessStatusCode();

        async Task RefusedAsync(string why) =>
            Assert.Matches(why, (await (await server.Admin.PostAsJsonAsync("/api/v1/sending/resume", new { subject = "sender" })).ProblemAsync(409)).GetProperty("detail").GetString());
    }

    // Seen red but for the first: only what is published now was looked at.
    [Theory]
    [InlineData("published")] // control
    [InlineData("unpublished")]
    [InlineData("republished")]
    [InlineData("sender")]
    public async Task Contacts_still_inside_are_not_mailed_from_a_sender_that_no_publish_lets_through(string how)
    {
        await using var dns = await RealDnsServer.StartAsync();
        var stub = new StubProvider();
        await using var server = await ServerUnderTest.StartAsync(how == "republished" ? DatabaseKind.PostgreSql : DatabaseKind.Sqlite, configure: services =>
        {
            var options = (DeliveryOptions)services.Last(service => service.ServiceType == typeof(DeliveryOptions)).ImplementationInstance!;
            services.AddSingleton(options with { Dns = new DnsOptions { Servers = [$"127.0.0.1:{dns.Port}"] } });
            services.AddSingleton<IProviderType>(new StubType(stub));
        });
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        await server.Admin.PutAsJsonAsync("/api/v1/templates/hello", new { subject = "Hello", html = "<p>Hi</p>" });
        await SenderAsync(server, "1 High Street", how == "sender" ? "hello@fine.test" : "hello@shop.test");
        if (how == "sender") (await server.Admin.PutAsJsonAsync("/api/v1/connections/real", new { type = "stub" })).EnsureSuccessStatusCode();
        var journey = JourneyApiTests.Greeting
            .Replace("{\"id\": \"mail\"", """{"id": "wait", "type": "MailFlow.Wait", "version": 1, "duration": {"typeName": "String", "expression": {"type": "Literal", "value": "PT6S"}}}, {"id": "mail" """, StringComparison.Ordinal)
            .Replace("\"port\": \"Done\"}, \"target\": {\"activity\": \"mail\", \"port\": \"In\"}}", """ "port": "Done"}, "target": {"activity": "wait", "port": "In"}}, {"source": {"activity": "wait", "port": "Done"}, "target": {"activity": "mail", "port": "In"}} """, StringComparison.Ordinal);
        (await server.Admin.PutAsync("/api/v1/journeys/greeting", HttpExtensions.Json(journey))).EnsureSuccessStatusCode();
        Assert.Empty((await FindingsAsync(server, 200)).Errors);
        await server.Admin.PostAsync("/api/v1/events", HttpExtensions.Json("""{"event_id":"u1","event_type":"joined","user_id":"u1","payload":{"contact":{"email":"u1@example.org"}}}"""));
        await server.EventuallyAsync("/api/v1/journeys/greeting/stats", stats => stats.GetProperty("waiting").GetInt64() == 1);
        if (how is "unpublished" or "sender") (await server.Admin.PostAsync("/api/v1/journeys/greeting/unpublish", null)).EnsureSuccessStatusCode();
        if (how == "republished")
        {
            (await server.Admin.PutAsync("/api/v1/journeys/greeting", HttpExtensions.Json(journey.Replace("\"stream\": \"marketing\"", "\"stream\": \"transactional\"", StringComparison.Ordinal)))).EnsureSuccessStatusCode();
            Assert.Empty((await FindingsAsync(server, 200)).Errors);
        }
        if (how == "sender")
        {
            var problem = await (await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = "Shop", email = "hello@shop.test", postal_address = "1 High Street" })).ProblemAsync(400);
            Assert.True(problem.GetProperty("errors").TryGetProperty("email", out _), problem.GetRawText());
            return;
        }
        (await server.Admin.PutAsJsonAsync("/api/v1/connections/real", new { type = "stub" })).EnsureSuccessStatusCode();
        Assert.Single(await StopsAsync(server));
        await server.EventuallyAsync("/api/v1/messages?journey=greeting", page => page.GetProperty("items").GetArrayLength() == 1);
        Assert.Empty(stub.Taken);
    }

    // Seen red: nothing was stopped, and the mail left from the failed domain; without a postal address it was refused for good.
    [Fact]
    public async Task Mail_that_a_paused_journey_holds_counts_as_waiting()
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.Sqlite, configure: services => services.AddSingleton<IProviderType>(new StubType(new StubProvider())));
        await SenderAsync(server, null);
        (await server.Admin.PutAsJsonAsync("/api/v1/connections/captured", new { type = "sandbox", marketing_weight = 0 })).EnsureSuccessStatusCode();
        await PutJourneyAsync(server);
        await FindingsAsync(server, 200);
        await server.Admin.PostAsync("/api/v1/events", HttpExtensions.Json("""{"event_id":"u1","event_type":"joined","user_id":"u1","payload":{"contact":{"email":"u1@example.org"}}}"""));
        await server.EventuallyAsync("/api/v1/journeys/greeting/stats", stats => stats.GetProperty("completed").GetInt64() == 1);
        (await server.Admin.PostAsync("/api/v1/journeys/greeting/pause", null)).EnsureSuccessStatusCode();
        (await server.Admin.PutAsJsonAsync("/api/v1/connections/captured", new { type = "sandbox", marketing_weight = 1 })).EnsureSuccessStatusCode();
        using (var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1)))
            while (await server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM message WHERE parked_at IS NOT NULL", patience.Token), patience.Token) == 0) await Task.Yield();
        (await server.Admin.PostAsync("/api/v1/journeys/greeting/unpublish", null)).EnsureSuccessStatusCode();

        (await server.Admin.PutAsJsonAsync("/api/v1/connections/real", new { type = "stub" })).EnsureSuccessStatusCode();

        Assert.Contains("'greeting'", Assert.Single(await StopsAsync(server)).GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("a check that passes")]
    [InlineData("the sandbox again")]
    [InlineData("an operator")] // what was wrong went without the API: the server's own sender, or its own provider
    public async Task The_senders_stop_ends_with(string what)
    {
        await using var dns = await RealDnsServer.StartAsync(RealDnsServer.Txt("shop.test", "v=spf1 ~all"), RealDnsServer.Txt("_dmarc.shop.test", "v=DMARC1; p=none"), "mx-host=shop.test,mx.shop.test,10");
        await using var server = await StartAsync(dns, route: null, DatabaseKind.Sqlite);
        await SenderAsync(server, "1 High Street");
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { dkim_selector = "s1" });
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        await PutJourneyAsync(server);
        await FindingsAsync(server, 200);
        await ConnectAsync(server, "real");
        Assert.Single(await StopsAsync(server));

        if (what == "a check that passes")
        {
            await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
            Assert.Single(await StopsAsync(server));
            await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        }
        else if (what == "the sandbox again") (await server.Admin.DeleteAsync("/api/v1/connections/real")).EnsureSuccessStatusCode();
        else
        {
            await server.Database.WriteAsync(session => session.ExecuteAsync("DELETE FROM sending_domain", default), default);
            Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.PostAsJsonAsync("/api/v1/sending/resume", new { subject = "sender" })).StatusCode);
        }
        Assert.Empty(await StopsAsync(server));
    }

    // Seen red with the stop made whatever was published, and whatever was known.
    [Theory]
    [InlineData("nothing published")]
    [InlineData("transactional mail alone")]
    [InlineData("what was wrong before")]
    [InlineData("a sender that is fit")]
    public async Task A_route_stops_no_mail_for(string what)
    {
        await using var dns = await RealDnsServer.StartAsync();
        await using var server = await StartAsync(dns, route: null, DatabaseKind.Sqlite);
        await SenderAsync(server, what is "a sender that is fit" or "what was wrong before" ? "1 High Street" : null);
        await PutJourneyAsync(server, what == "transactional mail alone" ? "transactional" : "marketing");
        if (what == "what was wrong before") await ConnectAsync(server, "first");
        if (what != "nothing published") Assert.Empty((await FindingsAsync(server, 200)).Errors);
        if (what == "what was wrong before")
        {
            await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
            await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        }

        await ConnectAsync(server, "real");
        Assert.Empty(await StopsAsync(server));
    }

    // The publish has looked at the routes and waits for a row when the connection is made. Seen red: neither saw the other, and marketing mail left without a postal address.
    [Fact]
    public async Task A_publish_and_a_first_real_connection_at_the_same_moment_do_not_miss_each_other()
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false);
        await SenderAsync(server, null);
        await PutJourneyAsync(server);
        Task publish = Task.CompletedTask, connect = Task.CompletedTask;
        await server.Database.WriteAsync(async session =>
        {
            await session.QueryAsync("SELECT 1 FROM definition_version FOR UPDATE", _ => 1, default);
            using (ExecutionContext.SuppressFlow()) publish = Task.Run(() => FindingsAsync(server, 200));
            await WaitingAsync(publish, 1);
            using (ExecutionContext.SuppressFlow()) connect = Task.Run(() => ConnectAsync(server, "real"));
            await WaitingAsync(connect, 2); // behind the publish; without the lock it is done

            async Task WaitingAsync(Task last, int transactions)
            {
                while (!last.IsCompleted)
                    if (await session.ScalarAsync<long>("""
                        SELECT count(*) FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) w
                        WHERE EXISTS (SELECT 1 FROM unnest(pg_blocking_pids(pid)) b WHERE b = pg_backend_pid() OR pg_backend_pid() = ANY (pg_blocking_pids(b)))
                        """, default) >= transactions) return;
            }
        }, default);
        await Task.WhenAll(publish, connect);

        Assert.Single(await StopsAsync(server));
    }

    // Seen red: the marketing mail was handed over without a postal address, and refused.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task While_the_sender_is_stopped_marketing_mail_waits_and_other_mail_leaves(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var server = await ServerUnderTest.StartAsync(kind, configure: services => services.AddSingleton<IProviderType>(new StubType(stub)));
        await SenderAsync(server, null);
        await PutJourneyAsync(server);
        await FindingsAsync(server, 200);
        var receipt = JourneyApiTests.Greeting.Replace("\"stream\": \"marketing\"", "\"stream\": \"transactional\"", StringComparison.Ordinal).Replace("\"greeting\"", "\"receipt\"", StringComparison.Ordinal);
        (await server.Admin.PutAsync("/api/v1/journeys/receipt", HttpExtensions.Json(receipt))).EnsureSuccessStatusCode();
        (await server.Admin.PostAsync("/api/v1/journeys/receipt/publish", null)).EnsureSuccessStatusCode();
        (await server.Admin.PutAsJsonAsync("/api/v1/connections/real", new { type = "stub" })).EnsureSuccessStatusCode();
        await JoinAsync("u1");
        await MailsAsync("journey=greeting", 1); // it is due before the other's receipt
        await JoinAsync("u2");
        await MailsAsync("journey=receipt&state=accepted", 2);
        await MailsAsync("journey=greeting&state=queued", 2);
        Assert.Equal(2, stub.Taken.Count);

        await SenderAsync(server, "1 High Street");
        await MailsAsync("journey=greeting&state=accepted", 2);
        Assert.Equal(4, stub.Taken.Count);

        Task JoinAsync(string user) => server.Admin.PostAsync("/api/v1/events", HttpExtensions.Json(
            $$$$"""{"event_id":"{{{{user}}}}","event_type":"joined","user_id":"{{{{user}}}}","payload":{"contact":{"email":"{{{{user}}}}@example.org"}}}"""));

        Task<JsonElement> MailsAsync(string query, int count) => server.EventuallyAsync($"/api/v1/messages?{query}", page => page.GetProperty("items").GetArrayLength() == count);
    }

    [Theory]
    [InlineData("sandbox", "marketing")]
    [InlineData("sendgrid", "transactional")]
    public async Task The_sender_is_free_while_nothing_published_is_marketing_mail_that_reaches_anybody(string provider, string stream)
    {
        await using var dns = await RealDnsServer.StartAsync();
        await using var server = await StartAsync(dns, new(provider), DatabaseKind.Sqlite);
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);
        await PutJourneyAsync(server, stream);
        await SenderAsync(server, "1 High Street", "hello@other.test");
        Assert.Empty((await FindingsAsync(server, 200)).Errors);

        await SenderAsync(server, null);
    }

    [Theory]
    [InlineData("marketing")]
    [InlineData("transactional")]
    public async Task A_publish_says_that_mail_will_wait_for_a_connection_in_the_accounts_region(string stream)
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.Sqlite, workers: false);
        await server.Admin.PutAsJsonAsync("/api/v1/connections/america", new { type = "postmark", settings = new { server_token = "t" } });
        await server.Admin.PutAsJsonAsync("/api/v1/account", new { name = "Shop", region = "eu" });
        await PutJourneyAsync(server, stream);
        await SenderAsync(server, "1 High Street");

        Assert.Contains("no_connection_in_region", (await FindingsAsync(server, 200)).Warnings);

        await (await server.Admin.PutAsJsonAsync("/api/v1/connections/america", new { region = "eu" })).ProblemAsync(400);
        await server.Admin.PutAsJsonAsync("/api/v1/connections/europe", new { type = "mailgun", settings = new { api_key = "k", domain = "shop.test", region = "eu" } });
        Assert.DoesNotContain("no_connection_in_region", (await FindingsAsync(server, 200)).Warnings);
    }

    [Theory]
    [InlineData("sandbox", "marketing", 200)]
    [InlineData("sendgrid", "transactional", 200)]
    [InlineData("sendgrid", "marketing", 422)]
    [InlineData("sendgrid", "an expression", 422)] // it may come to marketing
    public async Task Nothing_is_blocked_that_reaches_nobody_or_is_no_marketing(string provider, string stream, int status)
    {
        await using var dns = await RealDnsServer.StartAsync();
        await using var server = await StartAsync(dns, new(provider), DatabaseKind.Sqlite);
        await PutJourneyAsync(server, stream);
        await SenderAsync(server, null);
        await server.Admin.PutAsJsonAsync("/api/v1/domains/shop.test", new { });
        await server.Admin.PostAsync("/api/v1/domains/shop.test/check", null);

        var (errors, warnings) = await FindingsAsync(server, status);
        Assert.Equal(status == 422, errors.Count > 0);
        Assert.Equal(provider == "sandbox", warnings.Contains("sending_domain_failed"));
    }

    /// <param name="route">By what mail leaves; null: by the account's connections.</param>
    private static Task<ServerUnderTest> StartAsync(RealDnsServer dns, SendingRoute? route, DatabaseKind kind, string? publicAddress = "https://mail.example.org") => ServerUnderTest.StartAsync(kind, workers: false, publicAddress: publicAddress, configure: services =>
    {
        var options = (DeliveryOptions)services.Last(service => service.ServiceType == typeof(DeliveryOptions)).ImplementationInstance!;
        services.AddSingleton(options with { Dns = new DnsOptions { Servers = [$"127.0.0.1:{dns.Port}"] } });
        if (route is not null) services.AddSingleton<ISendingRoutes>(new Routes(route));
    });

    private static async Task ConnectAsync(ServerUnderTest server, string key) =>
        (await server.Admin.PutAsJsonAsync($"/api/v1/connections/{key}", new { type = "smtp", settings = new { host = "relay.shop.test" } })).EnsureSuccessStatusCode();

    private static async Task<IReadOnlyList<JsonElement>> StopsAsync(ServerUnderTest server) =>
        [.. (await (await server.Admin.GetAsync("/api/v1/sending")).JsonAsync()).GetProperty("stops").EnumerateArray()];

    private static async Task SenderAsync(ServerUnderTest server, string? postalAddress, string email = "hello@shop.test") => (await server.Admin.PutAsJsonAsync(
        "/api/v1/sender", new { name = "Shop", email, postal_address = postalAddress ?? " " })).EnsureSuccessStatusCode();

    private static async Task PutJourneyAsync(ServerUnderTest server, string stream = "marketing")
    {
        await server.Admin.PutAsJsonAsync("/api/v1/templates/hello", new { subject = "Hello", html = "<p>Hi</p>" });
        var isExpression = stream == "an expression";
        var journey = JourneyApiTests.Greeting.Replace("\"stream\": \"marketing\"", $"\"stream\": \"{(isExpression ? "transactional" : stream)}\"", StringComparison.Ordinal);
        if (isExpression)
            journey = journey.Replace("\"type\": \"MailFlow.SendEmail\"", """
                "type": "MailFlow.SendEmail", "stream": {"typeName": "String", "expression": {"type": "CEL", "value": "event.stream"}}
                """, StringComparison.Ordinal);
        (await server.Admin.PutAsync("/api/v1/journeys/greeting", HttpExtensions.Json(journey))).EnsureSuccessStatusCode();
    }

    private static async Task<(IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings)> FindingsAsync(ServerUnderTest server, int status)
    {
        var answer = await server.Admin.PostAsync("/api/v1/journeys/greeting/publish", null);
        var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.True((int)answer.StatusCode == status, body.GetRawText());
        var findings = body.GetProperty("findings").EnumerateArray().ToLookup(finding => finding.GetProperty("severity").GetString(), finding => finding.GetProperty("code").GetString()!);
        return ([.. findings["error"]], [.. findings["warning"]]);
    }

    private sealed class Routes(SendingRoute route) : ISendingRoutes
    {
        public Task<IReadOnlyList<SendingRoute>> OfAsync(Session session, int accountId, CancellationToken ct) => Task.FromResult<IReadOnlyList<SendingRoute>>([route]);
    }
}
