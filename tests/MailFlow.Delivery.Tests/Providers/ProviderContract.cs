using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>A provider and what stands behind it.</summary>
internal sealed class Rig : IAsyncDisposable
{
    public required IEmailProvider Provider { get; init; }

    /// <summary>The provider's clock.</summary>
    public required FakeTime Time { get; init; }

    /// <summary>The mails that were taken.</summary>
    public required Func<Task<IReadOnlyList<TakenByProvider>>> TakenAsync { get; init; }

    /// <summary>Done when a request has come whole, or the conversation is where the trouble begins.</summary>
    public required Func<Task> ReachedAsync { get; init; }

    /// <summary>How long the provider waits for an answer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    public required Func<ValueTask> Stop { get; init; }

    public async ValueTask DisposeAsync()
    {
        if (Provider is IAsyncDisposable provider) await provider.DisposeAsync();
        await Stop();
    }
}

/// <summary>A mail as the provider's API was given it.</summary>
/// <param name="Key">Our key, from where the provider gives it back.</param>
internal sealed record TakenByProvider(string To, string From, string Subject, string Html, string Text, Guid? Key, IReadOnlyDictionary<string, string> Headers);

/// <summary>What every kind of provider does, against a stub that speaks its published API.</summary>
public abstract class ProviderContract
{
    /// <summary>A provider that works, or whose calls meet with this trouble.</summary>
    private protected abstract Task<Rig> StartAsync(Trouble trouble = Trouble.None);

    [Fact]
    public async Task A_mail_is_taken_with_all_that_belongs_to_it()
    {
        await using var rig = await StartAsync();
        var email = Mails.Marketing();
        var accepted = Assert.IsType<HandOver.Accepted>(await rig.Provider.SendAsync(email, default));
        Assert.False(string.IsNullOrEmpty(accepted.ProviderId));
        var taken = Assert.Single(await rig.TakenAsync());
        Assert.Equal((email.To.ToString(), email.Subject, email.MessageId), (taken.To, taken.Subject, taken.Key));
        Assert.Contains("news@shop.example", taken.From);
        Assert.Contains("Bücher", taken.From);
        Assert.Equal(email.Html, taken.Html.TrimEnd());
        Assert.Equal(email.Text.TrimEnd(), taken.Text.ReplaceLineEndings("\n").TrimEnd());
        foreach (var (name, value) in email.Headers) Assert.Equal(value, taken.Headers[name]);
        Assert.Contains("help@shop.example", taken.Headers["Reply-To"]);
    }

    [Theory]
    [InlineData("subject")]
    [InlineData("from")]
    [InlineData("reply-to")]
    [InlineData("header value")]
    [InlineData("header name")]
    public async Task A_line_break_where_a_header_would_end_is_refused_and_nothing_is_sent(string where)
    {
        const string Attack = "Hello\r\nBcc: everybody@victim.example";
        await using var rig = await StartAsync();
        var email = Mails.Marketing();
        email = where switch
        {
            "subject" => email with { Subject = Attack },
            "from" => email with { From = new Mailbox(email.From.Address, Attack) },
            "reply-to" => email with { ReplyTo = new Mailbox(email.From.Address, Attack) },
            "header value" => email with { Headers = [.. email.Headers, ("X-Campaign", Attack)] },
            _ => email with { Headers = [.. email.Headers, ("X-A: b\r\nBcc", "everybody@victim.example")] },
        };
        Assert.Contains("cannot be written", Assert.IsType<HandOver.Rejected>(await rig.Provider.SendAsync(email, default)).Reason);
        Assert.Empty(await rig.TakenAsync());
    }

    [Fact]
    public async Task What_looks_like_markup_of_the_request_stays_text()
    {
        await using var rig = await StartAsync();
        var email = Mails.Marketing() with { Subject = "\"}],\"to\":[{\"email\":\"x@y.example\"}] --boundary %mf-unsubscribe%", Html = "<p>%mf-unsubscribe% -name- {{x}} \"quoted\"</p>" };
        Assert.IsType<HandOver.Accepted>(await rig.Provider.SendAsync(email, default));
        var taken = Assert.Single(await rig.TakenAsync());
        Assert.Equal((email.To.ToString(), email.Subject, email.Html), (taken.To, taken.Subject, taken.Html.TrimEnd()));
    }

    [Fact]
    public async Task Nothing_of_the_contact_but_the_address_goes_into_what_the_provider_keeps()
    {
        await using var rig = await StartAsync();
        await rig.Provider.SendAsync(Mails.Marketing(), default);
        Assert.DoesNotContain("u-4711-private", string.Join('\n', (await rig.TakenAsync()).Select(taken => string.Join('\n', taken.Headers.Values))));
    }

    [Fact]
    public async Task It_says_what_it_is()
    {
        await using var rig = await StartAsync();
        Assert.Matches("^[a-z]+$", rig.Provider.Name);
        Assert.InRange(rig.Provider.Concurrency, 1, 100);
        Assert.InRange(rig.Provider.RequestTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
    }
}

/// <summary>What every provider does whose wire can break.</summary>
public abstract class WireContract : ProviderContract
{
    private static readonly string Large = new('x', 24_000_000);

    [Fact]
    public async Task A_refused_connection_leaves_the_mail_untaken()
    {
        var rig = await StartAsync();
        await rig.Stop();
        Assert.True(Assert.IsType<HandOver.Deferred>(await rig.Provider.SendAsync(Mails.Marketing(), default)).IsProviders);
        if (rig.Provider is IAsyncDisposable provider) await provider.DisposeAsync();
    }

    [Fact]
    public async Task A_connection_that_breaks_while_the_request_is_written_leaves_the_mail_untaken()
    {
        await using var rig = await StartAsync(Trouble.ResetBeforeBody);
        // Too much for the sockets' buffers: the writer is still at it when the provider leaves.
        var answer = await rig.Provider.SendAsync(Mails.Marketing() with { Html = $"<p>{Large}</p>" }, default);
        Assert.IsType<HandOver.Deferred>(answer);
        Assert.Empty(await rig.TakenAsync());
    }

    [Fact]
    public async Task A_connection_that_breaks_after_the_request_makes_the_mail_unknown()
    {
        await using var rig = await StartAsync(Trouble.ResetAfterBody);
        Assert.IsType<HandOver.Unknown>(await rig.Provider.SendAsync(Mails.Marketing(), default));
    }

    [Fact]
    public async Task Silence_makes_the_mail_unknown_when_its_time_is_up_and_not_before()
    {
        await using var rig = await StartAsync(Trouble.Stall);
        var sending = rig.Provider.SendAsync(Mails.Marketing(), default);
        await rig.ReachedAsync();
        rig.Time.Advance(rig.Patience - TimeSpan.FromSeconds(1));
        Assert.False(sending.IsCompleted);
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("no answer", Assert.IsType<HandOver.Unknown>(await sending).Reason);
    }
}

/// <summary>What every provider with an HTTP API does.</summary>
public abstract class HttpContract : WireContract
{
    /// <summary>The key that must never be seen in a reason.</summary>
    protected const string Secret = "key-very-secret-4711";

    private protected StubApi Api { get; private set; } = null!;

    /// <summary>The kind and its settings.</summary>
    private protected abstract (string Kind, Dictionary<string, string> Settings) Connection { get; }

    /// <summary>The published API, as far as it is used, for calls with the right credentials and a well-formed mail.</summary>
    private protected abstract ApiAnswer Answer(StubRequest request);

    /// <summary>The mails of a request that was taken.</summary>
    private protected abstract IEnumerable<TakenByProvider> Taken(StubRequest request);

    private protected override async Task<Rig> StartAsync(Trouble trouble = Trouble.None)
    {
        var api = Api = await StubApi.StartAsync(Answer);
        api.Trouble = trouble;
        var (kind, settings) = Connection;
        var time = new FakeTime();
        var http = new MailFlow.Delivery.Providers.Http.ProviderHttp(time);
        var type = ProviderKinds.All(time, http, new DeliveryOptions { ProviderEndpoints = new Dictionary<string, string> { [kind] = api.Address } }).Single(type => type.Name == kind);
        return new Rig
        {
            Provider = type.Open(new ConnectionSettings(settings)),
            Time = time,
            TakenAsync = () => Task.FromResult<IReadOnlyList<TakenByProvider>>([.. api.Requests.Where(request => request.Method == "POST").SelectMany(Taken)]),
            ReachedAsync = () => api.Reached.Task.WaitAsync(TimeSpan.FromSeconds(30)),
            Stop = api.DisposeAsync,
        };
    }

    /// <summary>Sends a mail that is answered so.</summary>
    private protected async Task<HandOver> AnsweredAsync(ApiAnswer answer, Func<Task>? before = null)
    {
        await using var rig = await StartAsync();
        if (before is not null) await before();
        Api.Script.Enqueue(answer);
        var handOver = await rig.Provider.SendAsync(Mails.Marketing(), default);
        Assert.DoesNotContain(Secret, handOver.ToString());
        return handOver;
    }

    [Fact]
    public async Task Too_many_requests_puts_the_mail_off_for_as_long_as_is_asked()
    {
        var deferred = Assert.IsType<HandOver.Deferred>(await AnsweredAsync(new ApiAnswer(429, "{}", ("Retry-After", "17"))));
        Assert.Equal((TimeSpan.FromSeconds(17), true), (deferred.RetryAfter, deferred.IsProviders));
        deferred = Assert.IsType<HandOver.Deferred>(await AnsweredAsync(new ApiAnswer(429, "{}", ("Retry-After", "Mon, 05 Jan 2026 09:02:00 GMT"))));
        Assert.Equal(TimeSpan.FromMinutes(2), deferred.RetryAfter);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(504)]
    [InlineData(520)]
    public async Task An_error_of_theirs_or_of_a_gateway_makes_the_mail_unknown(int status) =>
        Assert.IsType<HandOver.Unknown>(await AnsweredAsync(new ApiAnswer(status, "<html>bad gateway</html>") { ContentType = "text/html" }));

    [Theory]
    [InlineData(503)]
    [InlineData(408)]
    [InlineData(302)]
    public async Task An_answer_that_says_the_mail_was_not_looked_at_puts_it_off(int status) =>
        Assert.True(Assert.IsType<HandOver.Deferred>(await AnsweredAsync(new ApiAnswer(status, "", ("Location", "http://127.0.0.1:1/")))).IsProviders);

    [Fact]
    public async Task Refused_credentials_stop_the_connection()
    {
        Assert.Equal(FaultScope.Connection, Assert.IsType<HandOver.SenderFault>(await AnsweredAsync(new ApiAnswer(401, "Forbidden"))).Stops);
        Assert.Equal(FaultScope.Connection, Assert.IsType<HandOver.SenderFault>(await AnsweredAsync(new ApiAnswer(403, "{}"))).Stops);
    }

    [Fact]
    public async Task A_refusal_without_words_rejects_the_mail() => Assert.IsType<HandOver.Rejected>(await AnsweredAsync(new ApiAnswer(400, "not json at all")));

    [Fact]
    public async Task A_refusal_has_at_most_500_characters_on_one_line()
    {
        var reason = Assert.IsType<HandOver.Rejected>(await AnsweredAsync(new ApiAnswer(400, new string('a', 5000) + "\r\n\u001b[31mred"))).Reason;
        Assert.InRange(reason.Length, 400, 600);
        Assert.DoesNotContain(reason, char.IsControl);
    }

    [Fact]
    public async Task An_endless_answer_is_not_read_to_its_end() =>
        Assert.IsType<HandOver.Unknown>(await AnsweredAsync(new ApiAnswer(500, new string('a', 5_000_000))));

    [Fact]
    public async Task Stopped_while_it_waits_it_says_unknown_and_does_not_throw()
    {
        await using var rig = await StartAsync(Trouble.Stall);
        using var stop = new CancellationTokenSource();
        var sending = rig.Provider.SendAsync(Mails.Marketing(), stop.Token);
        await rig.ReachedAsync();
        await stop.CancelAsync();
        Assert.IsType<HandOver.Unknown>(await sending);
    }

    [Fact]
    public async Task Stopped_before_it_began_the_mail_is_untaken()
    {
        await using var rig = await StartAsync();
        Assert.False(Assert.IsType<HandOver.Deferred>(await rig.Provider.SendAsync(Mails.Marketing(), new CancellationToken(true))).IsProviders);
        Assert.Empty(await rig.TakenAsync());
    }

    [Fact]
    public async Task In_bulk_each_mail_has_its_own_answer_in_order()
    {
        await using var rig = await StartAsync();
        if (rig.Provider is not IBulkEmailProvider bulk) return;
        var emails = Enumerable.Range(1, 40).Select(i => i % 10 == 0 ? Mails.Marketing(i) with { Subject = "a\nb" } : Mails.Marketing(i, $"u{i}@example.org")).ToList();
        var answers = await bulk.SendManyAsync(emails, default);
        Assert.Equal(emails.Count, answers.Count);
        Assert.All(answers, (answer, i) => Assert.Equal((i + 1) % 10 == 0 ? typeof(HandOver.Rejected) : typeof(HandOver.Accepted), answer.GetType()));
        var taken = await rig.TakenAsync();
        Assert.Equal(emails.Where(email => email.Subject != "a\nb").Select(email => (email.To.ToString(), email.Subject, email.Html, (Guid?)email.MessageId)).Order(),
            taken.Select(mail => (mail.To, mail.Subject, mail.Html, mail.Key)).Order());
    }

    [Fact]
    public async Task In_bulk_a_lost_answer_makes_all_of_its_mails_unknown_and_none_is_sent_again()
    {
        await using var rig = await StartAsync(Trouble.ResetAfterBody);
        if (rig.Provider is not IBulkEmailProvider bulk) return;
        var answers = await bulk.SendManyAsync([.. Enumerable.Range(1, 20).Select(i => Mails.Marketing(i, $"u{i}@example.org"))], default);
        Assert.All(answers, answer => Assert.IsType<HandOver.Unknown>(answer));
        Assert.Equal(20, (await rig.TakenAsync()).Count);
    }
}
