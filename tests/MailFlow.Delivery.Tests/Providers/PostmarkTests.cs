using System.Text.Json;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class PostmarkTests : HttpContract
{
    private protected override (string Kind, Dictionary<string, string> Settings) Connection => ("postmark", new() { ["server_token"] = Secret });

    private protected override ApiAnswer Answer(StubRequest request)
    {
        if (request.Headers.GetValueOrDefault("X-Postmark-Server-Token") != Secret) return Error(401, 10, "Request does not contain a valid Server token.");
        if (request.Path == "/messages/outbound") return new ApiAnswer(200, """{"TotalCount":0,"Messages":[]}""");
        if (request.Path == "/message-streams")
            return new ApiAnswer(200, """{"TotalCount":3,"MessageStreams":[{"ID":"outbound","MessageStreamType":"Transactional"},{"ID":"broadcast","MessageStreamType":"Broadcasts"},{"ID":"inbound","MessageStreamType":"Inbound"}]}""");
        using var json = JsonDocument.Parse(request.Body);
        if (request.Path == "/email") return new ApiAnswer(200, One(json.RootElement));
        if (request.Path != "/email/batch") return new ApiAnswer(404, "");
        return json.RootElement.GetArrayLength() > 500
            ? Error(422, 410, "Too many batch messages")
            : new ApiAnswer(200, $"[{string.Join(',', json.RootElement.EnumerateArray().Select(One))}]");

        static string One(JsonElement mail) => mail.GetProperty("To").GetString()!.StartsWith("inactive@", StringComparison.Ordinal)
            ? """{"ErrorCode":406,"Message":"You tried to send to a recipient that has been marked as inactive."}"""
            : $$"""{"To":"{{mail.GetProperty("To").GetString()}}","SubmittedAt":"2026-01-05T09:00:00Z","MessageID":"0a129aee-e1cd-480d-b08d-4f48548ff48d","ErrorCode":0,"Message":"OK"}""";
    }

    private protected override IEnumerable<TakenByProvider> Taken(StubRequest request)
    {
        using var json = JsonDocument.Parse(request.Body);
        return json.RootElement.ValueKind == JsonValueKind.Array ? [.. json.RootElement.EnumerateArray().Select(One)] : [One(json.RootElement)];

        static TakenByProvider One(JsonElement mail)
        {
            var headers = mail.GetProperty("Headers").EnumerateArray().ToDictionary(header => header.GetProperty("Name").GetString()!, header => header.GetProperty("Value").GetString()!);
            headers["Reply-To"] = mail.GetProperty("ReplyTo").GetString()!;
            return new TakenByProvider(
                mail.GetProperty("To").GetString()!, mail.GetProperty("From").GetString()!, mail.GetProperty("Subject").GetString()!, mail.GetProperty("HtmlBody").GetString()!,
                mail.GetProperty("TextBody").GetString()!, mail.GetProperty("Metadata").GetProperty("mf_msg").GetGuid(), headers);
        }
    }

    [Theory]
    [InlineData(401, 10, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(503, 100, typeof(HandOver.Deferred), null)]
    [InlineData(422, 300, typeof(HandOver.Rejected), null)]
    [InlineData(422, 400, typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData(422, 401, typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData(422, 402, typeof(HandOver.Rejected), null)]
    [InlineData(422, 403, typeof(HandOver.Rejected), null)]
    [InlineData(422, 405, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(422, 406, typeof(HandOver.Rejected), null)]
    [InlineData(422, 409, typeof(HandOver.Rejected), null)]
    [InlineData(422, 411, typeof(HandOver.Rejected), null)]
    [InlineData(422, 412, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(422, 413, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(422, 1235, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(429, 429, typeof(HandOver.Deferred), null)]
    [InlineData(413, 0, typeof(HandOver.Rejected), null)]
    [InlineData(500, 0, typeof(HandOver.Unknown), null)]
    public async Task Each_documented_answer_is_told(int status, int code, Type expected, FaultScope? stops)
    {
        var answer = await AnsweredAsync(Error(status, code, "words"));
        Assert.Equal((expected, stops), (answer.GetType(), (answer as HandOver.SenderFault)?.Stops));
        Assert.Equal(code == 406 ? ListedFor.Unsaid : null, (answer as HandOver.Rejected)?.Listed);
    }

    [Theory]
    [InlineData(Trouble.InvalidJson)]
    [InlineData(Trouble.TornAnswer)]
    public async Task A_success_without_its_words_is_believed_by_nobody(Trouble trouble)
    {
        await using var rig = await StartAsync(trouble);
        Assert.IsType<HandOver.Unknown>(await rig.Provider.SendAsync(Mails.Marketing(), default));
        Assert.All(await ((IBulkEmailProvider)rig.Provider).SendManyAsync([Mails.Marketing(2), Mails.Marketing(3)], default), answer => Assert.IsType<HandOver.Unknown>(answer));
    }

    [Fact]
    public async Task A_batch_with_other_than_one_answer_a_mail_is_unknown()
    {
        await using var rig = await StartAsync();
        Api.Script.Enqueue(new ApiAnswer(200, """[{"ErrorCode":0,"MessageID":"x"}]"""));
        Assert.All(await ((IBulkEmailProvider)rig.Provider).SendManyAsync([Mails.Marketing(2), Mails.Marketing(3)], default), answer => Assert.IsType<HandOver.Unknown>(answer));
    }

    [Fact]
    public async Task In_a_batch_each_mail_is_told_by_its_own_error_code()
    {
        await using var rig = await StartAsync();
        var answers = await ((IBulkEmailProvider)rig.Provider).SendManyAsync([Mails.Marketing(1), Mails.Marketing(2, "inactive@example.org"), Mails.Marketing(3)], default);
        Assert.Equal([typeof(HandOver.Accepted), typeof(HandOver.Rejected), typeof(HandOver.Accepted)], answers.Select(answer => answer.GetType()));
        Assert.Single(Api.Requests);
    }

    [Fact]
    public async Task Six_hundred_mails_are_two_batches()
    {
        await using var rig = await StartAsync();
        Assert.All(await ((IBulkEmailProvider)rig.Provider).SendManyAsync([.. Enumerable.Range(1, 600).Select(i => Mails.Marketing(i))], default), answer => Assert.IsType<HandOver.Accepted>(answer));
        Assert.Equal([500, 100], Api.Requests.Select(request => Taken(request).Count()));
    }

    [Fact]
    public async Task A_batch_refused_as_a_whole_is_tried_in_parts()
    {
        await using var rig = await StartAsync();
        Api.Script.Enqueue(Error(413, 0, "too large"));
        Assert.All(await ((IBulkEmailProvider)rig.Provider).SendManyAsync([.. Enumerable.Range(1, 4).Select(i => Mails.Marketing(i))], default), answer => Assert.IsType<HandOver.Accepted>(answer));
        Assert.Equal([4, 2, 2], Api.Requests.Select(request => Taken(request).Count()));
    }

    [Fact]
    public async Task Each_stream_has_its_own_and_tracking_is_off()
    {
        await using var rig = await StartAsync();
        await rig.Provider.SendAsync(Mails.Marketing(), default);
        await rig.Provider.SendAsync(Mails.Transactional(), default);
        var mails = Api.Requests.Select(request => JsonDocument.Parse(request.Body).RootElement).ToList();
        Assert.Equal(["broadcast", "outbound"], mails.Select(mail => mail.GetProperty("MessageStream").GetString()));
        Assert.All(mails, mail => Assert.Equal((false, "None", "welcome"), (mail.GetProperty("TrackOpens").GetBoolean(), mail.GetProperty("TrackLinks").GetString(), mail.GetProperty("Tag").GetString())));
        Assert.All(mails, mail => Assert.Contains(mail.GetProperty("Headers").EnumerateArray(), header => header.GetProperty("Name").GetString() == "X-PM-KeepID"));
    }

    // Seen red: all of a connection's mail was tracked.
    [Fact]
    public async Task Who_may_not_be_tracked_is_not_by_a_connection_that_tracks()
    {
        await using var rig = await StartAsync();
        var provider = ProviderKinds.Of("postmark", options: new DeliveryOptions { ProviderEndpoints = new Dictionary<string, string> { ["postmark"] = Api.Address } })
            .Open(new ConnectionSettings(new Dictionary<string, string>(Connection.Settings) { ["tracking"] = "all" }));
        await ((IBulkEmailProvider)provider).SendManyAsync([Mails.Marketing(1), Mails.Marketing(2) with { MayTrack = false }], default);
        using var json = JsonDocument.Parse(Api.Requests.Single().Body);
        Assert.Equal([(true, "HtmlAndText"), (false, "None")], json.RootElement.EnumerateArray().Select(mail => (mail.GetProperty("TrackOpens").GetBoolean(), mail.GetProperty("TrackLinks").GetString()!)));
    }

    [Fact]
    public async Task A_lost_mail_is_found_by_our_key_and_called_absent_only_after_two_successive_looks_ten_minutes_apart()
    {
        await using var rig = await StartAsync();
        var email = Mails.Marketing() with { Attempt = 2 };
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email, default));
        var query = Api.Requests.Last().Query;
        Assert.Contains($"metadata_mf_msg={email.MessageId}", query);
        Assert.Contains("messagestream=broadcast", query);
        rig.Time.Advance(TimeSpan.FromMinutes(10));
        // Between attempts 2 and 4 another node may have handed it over again.
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email with { Attempt = 4 }, default));
        rig.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.IsType<HandOver.Deferred>(await rig.Provider.FindAsync(email with { Attempt = 5 }, default));

        Api.Script.Enqueue(new ApiAnswer(200, """{"TotalCount":1,"Messages":[{"MessageID":"0a129aee","Status":"Sent"}]}"""));
        Assert.Equal("0a129aee", Assert.IsType<HandOver.Accepted>(await rig.Provider.FindAsync(email, default)).ProviderId);
        foreach (var trouble in new[] { Trouble.ResetAfterBody, Trouble.InvalidJson })
        {
            Api.Trouble = trouble;
            Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email, default));
        }
    }

    [Fact]
    public async Task A_mail_that_left_by_the_stream_that_was_set_before_is_found_there()
    {
        // Seen red: it was called absent.
        await using var rig = await StartAsync();
        var email = Mails.Marketing() with { Attempt = 2 };
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email, default));
        rig.Time.Advance(TimeSpan.FromMinutes(10));
        foreach (var answer in new[]
        {
            """{"TotalCount":0,"Messages":[]}""",
            """{"TotalCount":3,"MessageStreams":[{"ID":"broadcast","MessageStreamType":"Broadcasts"},{"ID":"inbound","MessageStreamType":"Inbound"},{"ID":"news","MessageStreamType":"Broadcasts"}]}""",
            """{"TotalCount":1,"Messages":[{"MessageID":"0a129aee","Status":"Sent"}]}""",
        }) Api.Script.Enqueue(new ApiAnswer(200, answer));

        Assert.Equal("0a129aee", Assert.IsType<HandOver.Accepted>(await rig.Provider.FindAsync(email with { Attempt = 3 }, default)).ProviderId);
        Assert.Contains("messagestream=news", Api.Requests.Last().Query);
    }

    [Fact]
    public async Task Streams_that_cannot_be_listed_leave_a_mail_in_doubt()
    {
        // Seen red: it was called absent.
        await using var rig = await StartAsync();
        var email = Mails.Marketing() with { Attempt = 2 };
        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email, default));
        rig.Time.Advance(TimeSpan.FromMinutes(10));
        Api.Script.Enqueue(new ApiAnswer(200, """{"TotalCount":0,"Messages":[]}"""));
        Api.Script.Enqueue(new ApiAnswer(500, ""));

        Assert.IsType<HandOver.Unknown>(await rig.Provider.FindAsync(email with { Attempt = 3 }, default));
    }

    private static ApiAnswer Error(int status, int code, string message) => new(status, JsonSerializer.Serialize(new { ErrorCode = code, Message = message }));
}
