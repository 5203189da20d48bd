using System.Text;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class MailgunTests : HttpContract
{
    private protected override (string Kind, Dictionary<string, string> Settings) Connection => ("mailgun", new() { ["api_key"] = Secret, ["domain"] = "mg.shop.example", ["search"] = "on" });

    private protected override ApiAnswer Answer(StubRequest request)
    {
        if (request.Headers.GetValueOrDefault("Authorization") != "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"api:{Secret}"))) return new ApiAnswer(401, "Forbidden") { ContentType = "text/plain" };
        if (request.Path == "/v3/mg.shop.example/events") return new ApiAnswer(200, """{"items":[],"paging":{}}""");
        if (request.Path != "/v3/mg.shop.example/messages") return new ApiAnswer(404, """{"message":"Domain not found"}""");
        var fields = Fields(request);
        return fields.GetValueOrDefault("to") is { Length: > 0 } && fields.ContainsKey("from")
            ? new ApiAnswer(200, $$"""{"id":"{{fields["h:Message-ID"]}}","message":"Queued. Thank you."}""")
            : new ApiAnswer(400, """{"message":"to parameter is missing"}""");
    }

    private protected override IEnumerable<TakenByProvider> Taken(StubRequest request)
    {
        var fields = Fields(request);
        yield return new TakenByProvider(
            fields["to"], fields["from"], fields["subject"], fields["html"], fields["text"], Guid.Parse(fields["v:mf_msg"]),
            fields.Where(field => field.Key.StartsWith("h:", StringComparison.Ordinal)).ToDictionary(field => field.Key[2..], field => field.Value));
    }

    [Theory]
    [InlineData(400, """{"message":"'to' parameter is not a valid address. please check documentation"}""", typeof(HandOver.Rejected), null)]
    [InlineData(400, """{"message":"'from' parameter is missing"}""", typeof(HandOver.Rejected), null)]
    [InlineData(401, "Forbidden", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(401, """{"message":"Invalid private key"}""", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(402, """{"message":"Request Failed"}""", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(403, """{"message":"Domain sandbox123.mailgun.org is not allowed to send: Sandbox subdomains are for test purposes only."}""", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(403, """{"message":"Domain mg.shop.example is not allowed to send: The domain is unverified and requires DNS configuration."}""", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData(403, """{"message":"Domain mg.shop.example is not allowed to send: recipient limit exceeded, try again after Mon, 05 Jan 2026"}""", typeof(HandOver.Deferred), null)]
    [InlineData(403, """{"message":"Account is disabled"}""", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(404, """{"message":"Domain not found: mg.shop.example"}""", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(413, "Request Entity Too Large", typeof(HandOver.Rejected), null)]
    [InlineData(429, """{"message":"Too many requests"}""", typeof(HandOver.Deferred), null)]
    [InlineData(500, """{"message":"Internal server error"}""", typeof(HandOver.Unknown), null)]
    [InlineData(503, "Service Unavailable", typeof(HandOver.Deferred), null)]
    public async Task Each_documented_answer_is_told(int status, string body, Type expected, FaultScope? stops)
    {
        var answer = await AnsweredAsync(new ApiAnswer(status, body));
        Assert.Equal((expected, stops), (answer.GetType(), (answer as HandOver.SenderFault)?.Stops));
    }

    [Theory]
    [InlineData(Trouble.InvalidJson)]
    [InlineData(Trouble.TornAnswer)]
    public async Task A_success_without_its_words_is_believed_by_nobody(Trouble trouble)
    {
        await using var rig = await StartAsync(trouble);
        Assert.IsType<HandOver.Unknown>(await rig.Provider.SendAsync(Mails.Marketing(), default));
    }

    [Fact]
    public async Task Tracking_is_off_and_tags_are_the_template_and_the_journey()
    {
        await using var rig = await StartAsync();
        await rig.Provider.SendAsync(Mails.Marketing(), default);
        var form = Api.Requests.Single().Text;
        foreach (var (name, value) in (List<(string, string)>)[("o:tracking", "no"), ("o:tracking-opens", "no"), ("o:tracking-clicks", "no"), ("o:tag", "welcome"), ("o:tag", "welcome-series")])
            Assert.Contains($"name=\"{name}\"\r\n\r\n{value}\r\n", form);
    }

    // Seen red: all of a connection's mail was tracked.
    [Theory]
    [InlineData(true, "yes")]
    [InlineData(false, "no")]
    public async Task Who_may_not_be_tracked_is_not_by_a_connection_that_tracks(bool mayTrack, string said)
    {
        await using var rig = await StartAsync();
        var provider = ProviderKinds.Of("mailgun", options: new DeliveryOptions { ProviderEndpoints = new Dictionary<string, string> { ["mailgun"] = Api.Address } })
            .Open(new ConnectionSettings(new Dictionary<string, string>(Connection.Settings) { ["tracking"] = "all" }));
        await provider.SendAsync(Mails.Marketing() with { MayTrack = mayTrack }, default);
        var fields = Fields(Api.Requests.Single());
        Assert.Equal([said, said, said], [fields["o:tracking"], fields["o:tracking-opens"], fields["o:tracking-clicks"]]);
    }

    [Fact]
    public async Task A_lost_mail_is_found_by_its_message_id_and_called_absent_only_after_half_an_hour_of_looking()
    {
        await using var rig = await StartAsync();
        var email = Mails.Marketing() with { Attempt = 2 };
        Assert.Equal(ReplayPolicy.Searchable, rig.Provider.Replay);
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email, default));
        rig.Time.Advance(TimeSpan.FromMinutes(29));
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email with { Attempt = 3 }, default));
        rig.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.IsType<HandOver.Deferred>(await rig.Provider.FindAsync(email with { Attempt = 4 }, default));
        Api.Script.Enqueue(new ApiAnswer(200, """{"items":[{"event":"accepted","id":"x"}]}"""));
        Assert.Equal($"<{email.MessageId:n}@shop.example>", Assert.IsType<HandOver.Accepted>(await rig.Provider.FindAsync(email, default)).ProviderId);
        Assert.Contains($"message-id={email.MessageId:n}%40shop.example", Api.Requests.Last().Query);
        Api.Script.Enqueue(new ApiAnswer(500, "{}"));
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email, default));
    }

    // Seen red: the lag was taken from the machine's clock.
    [Fact]
    public async Task A_clock_that_is_set_forward_between_two_looks_does_not_make_a_mail_absent()
    {
        await using var rig = await StartAsync();
        var email = Mails.Marketing() with { Attempt = 2 };
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email, default));
        rig.Time.Step(TimeSpan.FromMinutes(40));
        rig.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email with { Attempt = 3 }, default));
        rig.Time.Step(TimeSpan.FromMinutes(-80));
        rig.Time.Advance(TimeSpan.FromMinutes(29));
        Assert.IsType<HandOver.Deferred>(await rig.Provider.FindAsync(email with { Attempt = 4 }, default));
    }

    [Fact]
    public void Where_events_may_be_forgotten_too_soon_it_is_not_asked()
    {
        var provider = ProviderKinds.Of("mailgun", new FakeTime()).Open(new ConnectionSettings(new Dictionary<string, string> { ["api_key"] = "k", ["domain"] = "mg.shop.example" }));
        Assert.Equal(ReplayPolicy.Neither, provider.Replay);
    }

    private static Dictionary<string, string> Fields(StubRequest request)
    {
        var boundary = request.Headers["Content-Type"].Split("boundary=\"")[1].TrimEnd('"');
        var fields = new Dictionary<string, string>();
        foreach (var part in request.Text.Split($"--{boundary}\r\n").Skip(1))
        {
            var (head, value) = (part[..part.IndexOf("\r\n\r\n", StringComparison.Ordinal)], part[(part.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
            value = value.Split($"\r\n--{boundary}--")[0];
            fields[head.Split("name=\"")[1].TrimEnd('"')] = value.EndsWith("\r\n", StringComparison.Ordinal) ? value[..^2] : value;
        }
        return fields;
    }
}
