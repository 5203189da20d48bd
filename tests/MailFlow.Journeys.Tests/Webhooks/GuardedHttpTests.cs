using System.Net;
using System.Text;
using MailFlow.Journeys.Webhooks;
using MailFlow.Testing;
using static MailFlow.Testing.TinyHttpServer;

namespace MailFlow.Journeys.Tests.Webhooks;

public class GuardedHttpTests
{
    private static readonly GuardedHttpOptions Loopback = new() { AllowedTargets = ["127.0.0.1"] };

    [Fact]
    public async Task A_private_target_on_the_list_is_called_and_answers()
    {
        await using var server = new TinyHttpServer(_ => Ok("héllo"));
        using var http = Http(Loopback);
        var response = await http.SendAsync(Post(server.Url("/hook"), "{\"a\":1}", ("X-Custom", "yes")), default);
        Assert.Equal((200, "héllo", true, false), (response.Status, response.Text, response.IsSuccess, response.IsTruncated));
        var (head, body) = Assert.Single(server.Requests);
        Assert.StartsWith("POST /hook HTTP/1.1\n", head, StringComparison.Ordinal);
        Assert.Contains("X-Custom: yes\n", head, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/json; charset=utf-8\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("traceparent", head, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("{\"a\":1}", body);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("LOCALHOST")]
    [InlineData("2130706433")]
    [InlineData("0x7f.1")]
    [InlineData("0177.0.0.1")]
    [InlineData("127.1")]
    [InlineData("0.0.0.0")]
    [InlineData("[::1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("[::ffff:7f00:1]")]
    public async Task This_machine_is_not_called_under_any_spelling(string host)
    {
        await using var server = new TinyHttpServer(_ => Ok());
        using var http = Http(new GuardedHttpOptions());
        var blocked = await Assert.ThrowsAsync<BlockedAddressException>(() => http.SendAsync(Post(server.Url("/", host)), default));
        Assert.Matches("loopback|unspecified", blocked.Reason);
        Assert.Contains(blocked.Host, blocked.Message, StringComparison.Ordinal);
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task A_name_is_judged_by_where_it_leads_when_the_connection_is_made()
    {
        await using var server = new TinyHttpServer(_ => Ok());
        var lookups = 0;
        // A rebinding name: first an address that is on the list, then one that is not.
        using var http = new GuardedHttp(Loopback, TimeProvider.System, (_, _) => Task.FromResult(new[] { IPAddress.Parse(lookups++ == 0 ? "127.0.0.1" : "127.0.0.2") }));
        Assert.Equal(200, (await http.SendAsync(Post(server.Url("/", "rebinding.example")), default)).Status);
        var blocked = await Assert.ThrowsAsync<BlockedAddressException>(() => http.SendAsync(Post(server.Url("/", "rebinding.example")), default));
        Assert.Equal(("rebinding.example", "127.0.0.2 is loopback"), (blocked.Host, blocked.Reason));
        Assert.Equal((2, 1), (lookups, server.Connections));
    }

    [Fact]
    public async Task Of_several_addresses_only_the_allowed_are_dialled()
    {
        await using var server = new TinyHttpServer(_ => Ok());
        using var http = new GuardedHttp(Loopback, TimeProvider.System, (_, _) => Task.FromResult(new[] { IPAddress.Parse("10.0.0.1"), IPAddress.Loopback }));
        Assert.Equal(200, (await http.SendAsync(Post(server.Url("/", "mixed.example")), default)).Status);
    }

    [Fact]
    public async Task A_host_on_the_list_is_allowed_by_its_exact_name_and_a_network_by_its_range()
    {
        await using var server = new TinyHttpServer(_ => Ok());
        Func<string, CancellationToken, Task<IPAddress[]>> toLoopback = (_, _) => Task.FromResult(new[] { IPAddress.Loopback });
        using var byName = new GuardedHttp(new GuardedHttpOptions { AllowedTargets = ["crm.internal"] }, TimeProvider.System, toLoopback);
        Assert.Equal(200, (await byName.SendAsync(Post(server.Url("/", "CRM.internal")), default)).Status);
        await Assert.ThrowsAsync<BlockedAddressException>(() => byName.SendAsync(Post(server.Url("/", "evil.crm.internal")), default));
        using var byNetwork = new GuardedHttp(new GuardedHttpOptions { AllowedTargets = ["127.0.0.0/30"] }, TimeProvider.System, toLoopback);
        Assert.Equal(200, (await byNetwork.SendAsync(Post(server.Url("/", "any.example")), default)).Status);
        Assert.Equal(200, (await byNetwork.SendAsync(Post(server.Url("/", "[::ffff:127.0.0.1]")), default)).Status);
        await Assert.ThrowsAsync<BlockedAddressException>(() => byNetwork.SendAsync(Post(server.Url("/", "127.0.0.4")), default));
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data/", "169.254.169.254")]
    [InlineData("http://localhost/", "localhost")]
    [InlineData("http://[fd00::1]/", "[fd00::1]")]
    public async Task A_redirect_into_our_network_is_not_followed(string location, string host)
    {
        await using var server = new TinyHttpServer(_ => Redirect(307, location));
        using var http = new GuardedHttp(new GuardedHttpOptions { AllowedTargets = ["127.0.0.1"] }, TimeProvider.System, (_, _) => Task.FromResult(new[] { IPAddress.IPv6Loopback }));
        var blocked = await Assert.ThrowsAsync<BlockedAddressException>(() => http.SendAsync(Post(server.Url("/")), default));
        Assert.Equal(host, blocked.Host);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://example.org/")]
    [InlineData("gopher://example.org/")]
    [InlineData("http://user:password@example.org/")]
    public async Task Other_schemes_and_credentials_in_the_URL_are_refused_at_once_and_after_a_redirect(string url)
    {
        await using var server = new TinyHttpServer(_ => Redirect(302, url));
        using var http = Http(Loopback);
        await Assert.ThrowsAsync<BlockedRequestException>(() => http.SendAsync(Post(new Uri(url)), default));
        await Assert.ThrowsAsync<BlockedRequestException>(() => http.SendAsync(Post(server.Url("/")), default));
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(301, "GET", "")]
    [InlineData(302, "GET", "")]
    [InlineData(303, "GET", "")]
    [InlineData(307, "POST", "{}")]
    [InlineData(308, "POST", "{}")]
    public async Task A_redirect_to_the_same_origin_keeps_the_headers_and_its_status_says_whether_the_body(int status, string method, string body)
    {
        await using var server = new TinyHttpServer(path => path == "/" ? Redirect(status, "/next?a=1") : Ok("there"));
        using var http = Http(Loopback);
        var response = await http.SendAsync(Post(server.Url("/"), "{}", ("MailFlow-Signature", "t=1,v1=00"), ("Authorization", "Bearer x")), default);
        Assert.Equal(("there", server.Url("/next?a=1")), (response.Text, response.Url));
        var (head, sent) = server.Requests.Last();
        Assert.StartsWith($"{method} /next?a=1 ", head, StringComparison.Ordinal);
        Assert.Contains("Authorization: Bearer x\n", head, StringComparison.Ordinal);
        Assert.Contains("MailFlow-Signature: t=1,v1=00\n", head, StringComparison.Ordinal);
        Assert.Equal(body, sent);
    }

    [Fact]
    public async Task A_redirect_to_another_origin_gets_neither_credentials_nor_signature()
    {
        await using var other = new TinyHttpServer(_ => Ok("other"));
        await using var server = new TinyHttpServer(_ => Redirect(307, $"//127.0.0.1:{other.Port}/there"));
        using var http = Http(Loopback);
        var response = await http.SendAsync(Post(server.Url("/"), "{}", ("Authorization", "Bearer x"), ("Cookie", "a=b"), ("X-Api-Key", "k"),
            ("MailFlow-Signature", "t=1,v1=00"), ("Accept", "application/json"), ("Content-Type", "application/x-custom")), default);
        Assert.Equal("other", response.Text);
        var (head, body) = Assert.Single(other.Requests);
        Assert.DoesNotMatch("(?i)authorization|cookie|api-key|signature", head);
        Assert.Contains("Accept: application/json\n", head, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/x-custom\n", head, StringComparison.Ordinal);
        Assert.Equal("{}", body);
    }

    [Fact]
    public void A_redirect_from_https_to_http_is_refused_and_the_other_way_is_another_origin()
    {
        var request = Post(new Uri("https://example.org/"), "{}", ("Authorization", "Bearer x"));
        Assert.Throws<BlockedRequestException>(() => GuardedHttp.Redirected(request, HttpStatusCode.TemporaryRedirect, new Uri("http://example.org/")));
        var upgraded = GuardedHttp.Redirected(request with { Url = new Uri("http://example.org/") }, HttpStatusCode.TemporaryRedirect, new Uri("https://example.org/"));
        Assert.Empty(upgraded.Headers!);
        Assert.Single(GuardedHttp.Redirected(request, HttpStatusCode.TemporaryRedirect, new Uri("https://EXAMPLE.org:443/x")).Headers!);
    }

    [Fact]
    public async Task Five_redirects_are_followed_and_a_sixth_is_not()
    {
        await using var server = new TinyHttpServer(path => path == "/0" ? Ok("end") : Redirect(302, $"/{int.Parse(path[1..], null) - 1}"));
        using var http = Http(Loopback);
        Assert.Equal("end", (await http.SendAsync(Post(server.Url("/5")), default)).Text);
        Assert.Contains("more than 5 times", (await Assert.ThrowsAsync<BlockedRequestException>(() => http.SendAsync(Post(server.Url("/6")), default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_not_sent_and_an_answer_that_is_too_large_is_cut()
    {
        await using var server = new TinyHttpServer(_ => Ok(new string('x', 200_000)));
        using var http = Http(Loopback);
        var response = await http.SendAsync(Post(server.Url("/"), new string('y', 256 * 1024)), default);
        Assert.Equal((64 * 1024, true), (response.Body.Length, response.IsTruncated));
        await Assert.ThrowsAsync<BlockedRequestException>(() => http.SendAsync(Post(server.Url("/"), new string('y', 256 * 1024 + 1)), default));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task An_endless_answer_is_cut_without_waiting_for_its_end()
    {
        await using var server = new TinyHttpServer(_ => "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + new string('x', 100_000));
        using var http = Http(Loopback);
        Assert.True((await http.SendAsync(Post(server.Url("/")), default)).IsTruncated);
    }

    [Fact]
    public async Task Silence_ends_in_a_timeout_and_the_callers_cancellation_in_its_own()
    {
        await using var server = new TinyHttpServer(_ => null);
        var clock = new FakeTime();
        using var http = new GuardedHttp(Loopback, clock);
        var calling = http.SendAsync(Post(server.Url("/")), default);
        await server.Reached.Task;
        clock.Advance(TimeSpan.FromSeconds(14));
        Assert.False(calling.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<TimeoutException>(() => calling);

        await using var other = new TinyHttpServer(_ => null);
        using var stop = new CancellationTokenSource();
        calling = http.SendAsync(Post(other.Url("/")), stop.Token);
        await other.Reached.Task;
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calling);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_an_HTTP_error()
    {
        await using var server = new TinyHttpServer(_ => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        using var http = Http(Loopback);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(Post(server.Url("/")), default));
        await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(Post(new Uri("http://no-such-host.invalid/")), default));
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("Content-Length", "5")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("Connection", "upgrade")]
    [InlineData("X-Injected", "a\r\nX-Evil: b")]
    [InlineData("X-Injected", "a\nb")]
    [InlineData("Bad Name", "a")]
    [InlineData("Bad:Name", "a")]
    [InlineData("", "a")]
    [InlineData("Content-Type", "nonsense")]
    public async Task Headers_that_frame_the_message_or_break_out_of_it_are_refused(string name, string value)
    {
        await using var server = new TinyHttpServer(_ => Ok());
        using var http = Http(Loopback);
        await Assert.ThrowsAsync<BlockedRequestException>(() => http.SendAsync(Post(server.Url("/"), "{}", (name, value)), default));
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public void Options_that_cannot_be_used_name_their_field()
    {
        Assert.Empty(new GuardedHttpOptions().Validate());
        Assert.StartsWith("AllowedTargets: \"10.0.0.0/99\"", Assert.Single((new GuardedHttpOptions { AllowedTargets = ["10.0.0.0/99"] }).Validate()), StringComparison.Ordinal);
        Assert.StartsWith("TimeoutSeconds: 0", Assert.Single((new GuardedHttpOptions { TimeoutSeconds = 0 }).Validate()), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Http(new GuardedHttpOptions { MaxRedirects = -1 }));
    }

    private static GuardedHttp Http(GuardedHttpOptions options) => new(options, TimeProvider.System);

    private static GuardedRequest Post(Uri url, string body = "{}", params (string Name, string Value)[] headers) =>
        new(HttpMethod.Post, url, Encoding.UTF8.GetBytes(body), Headers: headers.Select(header => KeyValuePair.Create(header.Name, header.Value)).ToList());
}
