using System.Text.Json;
using MailFlow.Data;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class SendGridTests : HttpContract
{
    private protected override (string Kind, Dictionary<string, string> Settings) Connection => ("sendgrid", new() { ["api_key"] = Secret });

    private protected override ApiAnswer Answer(StubRequest request)
    {
        if (request.Path != "/v3/mail/send" || request.Headers.GetValueOrDefault("Authorization") != $"Bearer {Secret}") return Error(401, "The provided authorization grant is invalid, expired, or revoked");
        using var json = JsonDocument.Parse(request.Body);
        var mails = json.RootElement.GetProperty("personalizations");
        if (mails.GetArrayLength() > 1000) return Error(400, "The personalization block is limited to 1000 personalizations per API request.", "personalizations");
        var addresses = mails.EnumerateArray().SelectMany(mail => mail.GetProperty("to").EnumerateArray()).Select(to => to.GetProperty("email").GetString()!.ToLowerInvariant()).ToList();
        if (addresses.Distinct().Count() < addresses.Count) return Error(400, "Each email address in the personalization block should be unique between to, cc, and bcc.", "personalizations");
        if (addresses.Any(address => address.StartsWith("bad@", StringComparison.Ordinal))) return Error(400, "Does not contain a valid address.", "personalizations.0.to.0.email");
        return new ApiAnswer(202, "", ("X-Message-Id", "14c5d75ce93.dfd.64b469"));
    }

    private protected override IEnumerable<TakenByProvider> Taken(StubRequest request)
    {
        using var json = JsonDocument.Parse(request.Body);
        var root = json.RootElement.Clone();
        foreach (var mail in root.GetProperty("personalizations").EnumerateArray())
        {
            var headers = mail.GetProperty("headers").EnumerateObject().ToDictionary(header => header.Name, header => header.Value.GetString()!);
            if (root.TryGetProperty("reply_to", out var reply)) headers["Reply-To"] = reply.GetProperty("email").GetString()!;
            yield return new TakenByProvider(
                mail.GetProperty("to")[0].GetProperty("email").GetString()!,
                $"{root.GetProperty("from").GetProperty("name").GetString()} <{root.GetProperty("from").GetProperty("email").GetString()}>",
                Substituted(mail, mail.GetProperty("subject").GetString()!), Content("text/html", mail), Content("text/plain", mail),
                mail.GetProperty("custom_args").GetProperty("mf_msg").GetGuid(), headers);
        }

        string Content(string type, JsonElement mail) =>
            Substituted(mail, root.GetProperty("content").EnumerateArray().Single(part => part.GetProperty("type").GetString() == type).GetProperty("value").GetString()!);

        static string Substituted(JsonElement mail, string text) => mail.TryGetProperty("substitutions", out var all)
            ? all.EnumerateObject().Aggregate(text, (now, one) => now.Replace(one.Name, one.Value.GetString(), StringComparison.Ordinal)) : text;
    }

    [Theory]
    [InlineData(400, "The from object must be provided for every email send.", "from", typeof(HandOver.Rejected), null)]
    [InlineData(400, "The subject is required.", "subject", typeof(HandOver.Rejected), null)]
    [InlineData(400, "The from address does not match a verified Sender Identity.", "from", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData(401, "The provided authorization grant is invalid, expired, or revoked", null, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(401, "Maximum credits exceeded", null, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(403, "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.", "from", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData(403, "access forbidden", null, typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(404, "not found", null, typeof(HandOver.Rejected), null)]
    [InlineData(405, "method not allowed", null, typeof(HandOver.Rejected), null)]
    [InlineData(413, "The JSON payload you have included in your request is too large.", null, typeof(HandOver.Rejected), null)]
    [InlineData(415, "unsupported media type", null, typeof(HandOver.Rejected), null)]
    [InlineData(429, "too many requests", null, typeof(HandOver.Deferred), null)]
    [InlineData(500, "internal error", null, typeof(HandOver.Unknown), null)]
    [InlineData(503, "The SendGrid v3 Web API is not available.", null, typeof(HandOver.Deferred), null)]
    public async Task Each_documented_answer_is_told(int status, string message, string? field, Type expected, FaultScope? stops)
    {
        var answer = await AnsweredAsync(Error(status, message, field));
        Assert.Equal((expected, stops), (answer.GetType(), (answer as HandOver.SenderFault)?.Stops));
        Assert.Contains(message.Split(' ')[0], answer.ToString());
    }

    // Seen red: whoever had used up the credits was told to make a new key.
    [Theory]
    [InlineData("The provided authorization grant is invalid, expired, or revoked", true)]
    [InlineData("Maximum credits exceeded", false)]
    public async Task A_new_key_is_advised_where_the_key_is_refused_alone(string message, bool isOfKey) =>
        Assert.Equal(isOfKey, Assert.IsType<HandOver.SenderFault>(await AnsweredAsync(Error(401, message))).Reason.Contains("make a new one", StringComparison.Ordinal));

    [Fact]
    public async Task The_end_of_a_rate_limit_is_read_from_the_header_of_SendGrids_own()
    {
        var reset = new DateTimeOffset(2026, 1, 5, 9, 0, 42, TimeSpan.Zero).ToUnixTimeSeconds();
        var answer = await AnsweredAsync(new ApiAnswer(429, """{"errors":[{"field":null,"message":"too many requests"}]}""", ("X-RateLimit-Reset", $"{reset}")));
        Assert.Equal(TimeSpan.FromSeconds(42), Assert.IsType<HandOver.Deferred>(answer).RetryAfter);
    }

    [Theory]
    [InlineData("<html>welcome</html>", 20)]
    [InlineData("{", 1000)]
    public async Task The_status_alone_says_that_a_mail_is_queued(string body, int length)
    {
        await using var server = new TinyHttpServer(_ => $"HTTP/1.1 202 Accepted\r\nX-Message-Id: 14c5d75ce93\r\nContent-Length: {length}\r\n\r\n{body}");
        var provider = ProviderKinds.Of("sendgrid", options: new DeliveryOptions { ProviderEndpoints = new Dictionary<string, string> { ["sendgrid"] = server.Url("").AbsoluteUri } })
            .Open(new ConnectionSettings(Connection.Settings));
        Assert.Equal("14c5d75ce93", Assert.IsType<HandOver.Accepted>(await provider.SendAsync(Mails.Marketing(), default)).ProviderId);
    }

    [Fact]
    public async Task Mails_that_differ_in_their_links_only_share_a_request_and_others_do_not()
    {
        await using var rig = await StartAsync();
        List<OutgoingEmail> emails =
        [
            .. Enumerable.Range(1, 6).Select(i => Mails.Marketing(i, $"u{i}@example.org")),
            Mails.Marketing(7, "u7@example.org") with { Html = "<p>Hello Grace</p>" },
            // The same address twice is not allowed in one request.
            Mails.Marketing(8, "U1@example.org"),
        ];
        Assert.All(await ((IBulkEmailProvider)rig.Provider).SendManyAsync(emails, default), answer => Assert.IsType<HandOver.Accepted>(answer));
        Assert.Equal([1, 1, 6], Api.Requests.Select(request => Taken(request).Count()).Order());
        Assert.Equal(emails.Select(email => (email.To.ToString(), email.Html)).Order(), (await rig.TakenAsync()).Select(mail => (mail.To, mail.Html)).Order());
    }

    // Seen red.
    /// <summary>The footer's links and tracked ones are each mail's own.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Marketing_mail_that_says_the_same_to_everybody_is_one_request_with_or_without_our_tracking(bool tracked)
    {
        await using var rig = await StartAsync();
        var mails = new System.Collections.Concurrent.ConcurrentBag<OutgoingEmail>();
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite, new StubProvider { OnSend = mails.Add });
        await fixture.TemplateAsync("same", "News", "<p>The same to <a href=\"https://shop.example/?a=1&amp;b=2\">everybody</a>, <a href=\"https://shop.example/?a=1&amp;b=2\">here</a> and <a href=\"https://shop.example/\">there</a>.</p>");
        await fixture.Get<MailTracking>().PutAsync(1, new(tracked, false), default);
        await fixture.QueueManyAsync(20, with: message => message with { Template = "same" });
        await fixture.SendAllAsync();
        Assert.All(mails, mail => Assert.Equal(tracked, mail.Html.Contains("/t/c/", StringComparison.Ordinal)));

        await ((IBulkEmailProvider)rig.Provider).SendManyAsync([.. mails], default);

        Assert.Single(Api.Requests);
        Assert.Equal(mails.Select(mail => (mail.To.ToString(), mail.Html, mail.Text)).Order(), (await rig.TakenAsync()).Select(mail => (mail.To, mail.Html, mail.Text)).Order());
    }

    // Seen red while no link but the unsubscribe link was substituted.
    /// <summary>SendGrid takes 10,000 bytes of substitutions a mail.</summary>
    [Fact]
    public async Task A_mail_with_more_links_of_its_own_than_SendGrid_substitutes_goes_alone()
    {
        await using var rig = await StartAsync();
        List<OutgoingEmail> emails = [.. Enumerable.Range(1, 2).Select(i => Linked(i, 8)), .. Enumerable.Range(3, 2).Select(i => Linked(i, 12))];

        await ((IBulkEmailProvider)rig.Provider).SendManyAsync(emails, default);

        Assert.Equal([1, 1, 2], Api.Requests.Select(request => Taken(request).Count()).Order());
        Assert.Equal(emails.Select(email => email.Html).Order(), (await rig.TakenAsync()).Select(mail => mail.Html).Order());

        static OutgoingEmail Linked(int i, int count)
        {
            var links = Enumerable.Range(0, count).Select(link => $"https://shop.example/{i}/{link}/{new string('x', 1000)}").ToList();
            return Mails.Transactional(i, $"u{i}@example.org") with { Html = string.Concat(links.Select(link => $"<p>{link}</p>")), Links = links };
        }
    }

    [Fact]
    public async Task A_mail_whose_own_words_look_like_a_mark_goes_alone_and_unchanged()
    {
        await using var rig = await StartAsync();
        List<OutgoingEmail> emails =
        [
            .. Enumerable.Range(1, 2).Select(i => Mails.Transactional(i, $"u{i}@example.org") with { Html = "<p>%mf-message%</p>" }),
            .. Enumerable.Range(3, 2).Select(i => Mails.Transactional(i, $"u{i}@example.org") with { Subject = "%mf-unsubscribe%" }),
        ];
        await ((IBulkEmailProvider)rig.Provider).SendManyAsync(emails, default);
        Assert.Equal(4, Api.Requests.Count);
        Assert.Equal(emails.Select(email => (email.Subject, email.Html)).Order(), (await rig.TakenAsync()).Select(mail => (mail.Subject, mail.Html)).Order());
    }

    [Fact]
    public async Task One_bad_address_does_not_take_the_others_of_its_request_with_it()
    {
        await using var rig = await StartAsync();
        var answers = await ((IBulkEmailProvider)rig.Provider).SendManyAsync([.. Enumerable.Range(1, 7).Select(i => Mails.Marketing(i, i == 5 ? "bad@example.org" : $"u{i}@example.org"))], default);
        Assert.All(answers, (answer, i) => Assert.Equal(i == 4 ? typeof(HandOver.Rejected) : typeof(HandOver.Accepted), answer.GetType()));
    }

    [Theory]
    [InlineData("off", false, false)]
    [InlineData("opens", true, false)]
    [InlineData("clicks", false, true)]
    [InlineData("all", true, true)]
    public async Task Tracking_is_as_set_and_their_unsubscribe_links_are_always_off(string tracking, bool opens, bool clicks)
    {
        await using var rig = await StartAsync();
        var provider = ProviderKinds.Of("sendgrid", options: new DeliveryOptions { ProviderEndpoints = new Dictionary<string, string> { ["sendgrid"] = Api.Address } })
            .Open(new ConnectionSettings(new Dictionary<string, string> { ["api_key"] = Secret, ["tracking"] = tracking }));
        await provider.SendAsync(Mails.Marketing(), default);
        using var json = JsonDocument.Parse(Api.Requests.Single().Body);
        Assert.Equal((opens, clicks, false, false), (On("open_tracking"), On("click_tracking"), On("subscription_tracking"), On("ganalytics")));
        Assert.Equal("""["welcome","welcome-series"]""", json.RootElement.GetProperty("categories").GetRawText());
        Assert.Equal($$"""{"mf_msg":"{{Mails.Marketing().MessageId}}"}""", json.RootElement.GetProperty("personalizations")[0].GetProperty("custom_args").GetRawText());

        bool On(string name) => json.RootElement.GetProperty("tracking_settings").GetProperty(name).GetProperty("enable").GetBoolean();
    }

    // Seen red: all of a connection's mail was tracked.
    [Fact]
    public async Task Who_may_not_be_tracked_is_in_another_request_with_tracking_off()
    {
        await using var rig = await StartAsync();
        var provider = ProviderKinds.Of("sendgrid", options: new DeliveryOptions { ProviderEndpoints = new Dictionary<string, string> { ["sendgrid"] = Api.Address } })
            .Open(new ConnectionSettings(new Dictionary<string, string> { ["api_key"] = Secret, ["tracking"] = "all" }));
        await ((IBulkEmailProvider)provider).SendManyAsync([.. Enumerable.Range(1, 4).Select(i => Mails.Marketing(i, $"u{i}@example.org") with { MayTrack = i != 3 })], default);

        Assert.Equal([("u1@example.org u2@example.org u4@example.org", true), ("u3@example.org", false)], Api.Requests.Select(request =>
        {
            using var json = JsonDocument.Parse(request.Body);
            var tracking = new[] { "open_tracking", "click_tracking" }.Select(name => json.RootElement.GetProperty("tracking_settings").GetProperty(name).GetProperty("enable").GetBoolean()).Distinct();
            return (string.Join(' ', Taken(request).Select(mail => mail.To)), Assert.Single(tracking));
        }).OrderBy(each => each.Item1, StringComparer.Ordinal));
    }

    [Fact]
    public void A_verification_key_that_is_none_is_named()
    {
        var error = Assert.Throws<InvalidInputException>(() => ProviderKinds.Of("sendgrid").Open(new ConnectionSettings(new Dictionary<string, string> { ["api_key"] = "k", ["webhook_public_key"] = "abc" })));
        Assert.Equal("webhook_public_key", error.Field);
    }

    private static ApiAnswer Error(int status, string message, string? field = null) =>
        new(status, JsonSerializer.Serialize(new { errors = new[] { new { message, field, help = (string?)null } } }));
}
