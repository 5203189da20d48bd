using System.Text;
using MailFlow.Data;
using MailFlow.Journeys.Activities;
using MailFlow.Journeys.Webhooks;
using MailFlow.Testing;

namespace MailFlow.Journeys.Tests;

public class CallWebhookTests
{
    private static readonly WebhookOptions Options = new()
    {
        Http = new GuardedHttpOptions { AllowedTargets = ["127.0.0.1"] },
        Secrets = ["a secret of this installation"],
    };

    [Fact]
    public async Task The_other_side_learns_of_the_contact_and_the_event_and_can_tell_who_called()
    {
        await using var server = new TinyHttpServer(_ => TinyHttpServer.Ok());
        var step = new TestStep(
            contact: new Dictionary<string, object?> { ["email"] = "ada@example.org" },
            @event: new Dictionary<string, object?> { ["event_id"] = "e1", ["total"] = 12.5 });
        var decision = await CallAsync(new CallWebhook.Input(server.Url("/hook").ToString()), step);
        Assert.Equal(("Done", "127.0.0.1 answered 200"), (decision.Outcome, decision.Text));

        var (head, body) = Assert.Single(server.Requests);
        var sent = JsonData.ParseMap(body);
        Assert.Equal("ada@example.org", ((IReadOnlyDictionary<string, object?>)sent["contact"]!)["email"]);
        Assert.Equal(12.5, ((IReadOnlyDictionary<string, object?>)sent["event"]!)["total"]);
        Assert.Equal("step", sent["activity_id"]);
        Assert.Equal(step.Key.ToString(), Header(head, "Idempotency-Key"));
        Assert.Equal("application/json; charset=utf-8", Header(head, "Content-Type"));
        Assert.True(WebhookSignature.Verify(Header(head, WebhookSignature.Header), Encoding.UTF8.GetBytes(body), Options.SecretsOf(1)[0], step.Now));
        Assert.False(WebhookSignature.Verify(Header(head, WebhookSignature.Header), Encoding.UTF8.GetBytes(body), Options.SecretsOf(2)[0], step.Now));
    }

    [Fact]
    public async Task A_body_and_headers_of_ones_own_are_sent_and_cannot_forge_ours()
    {
        await using var server = new TinyHttpServer(_ => TinyHttpServer.Ok());
        var input = new CallWebhook.Input(server.Url("/hook").ToString(), "put",
            new Dictionary<string, object?> { ["plan"] = "pro", ["seats"] = 3L },
            new Dictionary<string, string> { ["X-Team"] = "growth", ["idempotency-key"] = "forged" });
        Assert.Equal("Done", (await CallAsync(input)).Outcome);

        var (head, body) = Assert.Single(server.Requests);
        Assert.StartsWith("PUT /hook", head);
        Assert.Equal("""{"plan":"pro","seats":3}""", body);
        Assert.Equal("growth", Header(head, "X-Team"));
        Assert.DoesNotContain("forged", head);
    }

    [Fact]
    public async Task Text_is_sent_as_it_is_and_a_get_has_no_body()
    {
        await using var server = new TinyHttpServer(_ => TinyHttpServer.Ok());
        await CallAsync(new(server.Url("/text").ToString(), Body: "Ada signed up"));
        await CallAsync(new(server.Url("/look").ToString(), "GET"));
        Assert.Collection(server.Requests,
            text => Assert.Equal(("Ada signed up", "text/plain; charset=utf-8"), (text.Body, Header(text.Head, "Content-Type"))),
            look => Assert.Equal("", look.Body));
    }

    [Theory]
    [InlineData("400 Bad Request", "", "Failed", false, null)]
    [InlineData("404 Not Found", "", "Failed", false, null)]
    [InlineData("408 Request Timeout", "", null, true, null)]
    [InlineData("429 Too Many Requests", "Retry-After: 120\r\n", null, true, 120)]
    [InlineData("503 Service Unavailable", "Retry-After: Mon, 05 Jan 2026 09:01:30 GMT\r\n", null, true, 90)]
    [InlineData("503 Service Unavailable", "Retry-After: 99999999\r\n", null, true, 86400)]
    [InlineData("503 Service Unavailable", "Retry-After: Mon, 05 Jan 2026 08:00:00 GMT\r\n", null, true, 0)]
    [InlineData("500 Internal Server Error", "Retry-After: soon\r\n", null, true, null)]
    public async Task An_answer_that_may_change_is_asked_for_again_and_another_is_final(string status, string header, string? outcome, bool retry, int? after)
    {
        await using var server = new TinyHttpServer(_ => $"HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n");
        var decision = await CallAsync(new(server.Url("/hook").ToString()));
        Assert.Equal((outcome, retry, after), (decision.Outcome, decision.Retry, (int?)decision.After?.TotalSeconds));
        Assert.Equal($"127.0.0.1 answered {status[..3]}", decision.Text);
    }

    [Fact]
    public async Task No_connection_is_tried_again()
    {
        string closed;
        await using (var server = new TinyHttpServer(_ => null)) closed = server.Url("/hook").ToString();
        using var http = new GuardedHttp(Options.Http, TimeProvider.System);
        var decision = await ActivityRun.Of(new CallWebhook(http, Options), new CallWebhook.Input(closed));
        Assert.True(decision.Retry);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9/", "127.0.0.1 may not be called: 127.0.0.1 is loopback. An operator can allow it (MailFlow:Webhooks:Http:AllowedTargets).")]
    [InlineData("http://169.254.169.254/latest/meta-data", "169.254.169.254 may not be called: 169.254.169.254 is link-local or cloud metadata. An operator can allow it (MailFlow:Webhooks:Http:AllowedTargets).")]
    [InlineData("file:///etc/passwd", "Only http and https are called, not file.")]
    [InlineData("example.org/hook", "'example.org/hook' is not an address")]
    public async Task An_address_that_must_not_be_called_fails_at_once_with_the_reason(string url, string reason)
    {
        var options = new WebhookOptions();
        using var http = new GuardedHttp(options.Http, TimeProvider.System);
        var decision = await ActivityRun.Of(new CallWebhook(http, options), new CallWebhook.Input(url));
        Assert.Equal(("Failed", reason), (decision.Outcome, decision.Text));
    }

    private static async Task<JobDecision> CallAsync(CallWebhook.Input input, TestStep? step = null)
    {
        using var http = new GuardedHttp(Options.Http, TimeProvider.System);
        return await ActivityRun.Of(new CallWebhook(http, Options), input, step);
    }

    private static string? Header(string head, string name) =>
        head.Split('\n').FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();
}
