using System.Text;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Facts;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>Reports that come as mail: anybody can write one.</summary>
public sealed class MailedReportTests
{
    private static int _reports;

    [Theory]
    [InlineData("5.7.133", "smtp; 550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required")]
    [InlineData("5.7.1", "smtp; 554 5.7.1 <ada@dead.example>: Relay access denied")]
    [InlineData("5.7.515", "smtp; 550 5.7.515 forged by the recipient")]
    public async Task One_about_one_recipient_stops_no_stream_signed_or_not(string status, string diagnostic)
    {
        await using var relay = await Relay.StartAsync();
        var (signed, unsigned) = (await relay.QueuedAsync("ada@outlook.com"), await relay.QueuedAsync("bob@outlook.com"));

        await relay.PostAsync(Dsn(await relay.ReturnPathAsync(signed), status, diagnostic));
        await relay.PostAsync(Dsn($"bounce+{unsigned:n}@mail.shop.example", status, diagnostic));

        Assert.Empty(await relay.Fixture.Get<SendingStops>().ListAsync(1, default));
        Assert.Equal(status == "5.7.515" ? "sender_fault" : "recipient_soft", (await relay.Fixture.FindAsync(signed)).Feedback!.Bounce);
    }

    [Fact]
    public async Task Forged_ones_count_for_nothing_and_signed_ones_do()
    {
        await using var relay = await Relay.StartAsync();
        for (var i = 0; i < 6; i++)
        {
            var id = await relay.QueuedAsync($"user-{i}@{(i % 2 == 0 ? "one" : "two")}.example");
            await relay.PostAsync(Dsn($"bounce+{id:n}{(i % 2 == 0 ? "" : "0123456789ab")}@mail.shop.example", "5.7.515", "smtp; 550 5.7.515 forged"));
            await relay.PostAsync(Complaint(id, "X-Nothing: 1"));
            var message = await relay.Fixture.FindAsync(id);
            Assert.Null(message.Feedback);
            Assert.All(await relay.Fixture.Messages.ReportsAsync(1, id, default), report => Assert.Equal(Delivery.Reports.Report.Unproven, report.Verdict));
        }
        Assert.Empty(await relay.Fixture.Get<SendingStops>().ListAsync(1, default));
        Assert.Equal(0, await relay.ComplaintsAsync());

        var complained = new List<Guid>();
        for (var i = 0; i < 6; i++)
        {
            var id = await relay.QueuedAsync($"other-{i}@{(i % 2 == 0 ? "one" : "two")}.example");
            await relay.PostAsync(Dsn(await relay.ReturnPathAsync(id), "5.7.515", "smtp; 550 5.7.515 Access denied"));
            complained.Add(id);
        }
        Assert.Equal("domain:shop.example", Assert.Single(await relay.Fixture.Get<SendingStops>().ListAsync(1, default)).Subject);
        await relay.PostAsync(Complaint(complained[0], $"X-MailFlow-Proof: {await relay.TagAsync(complained[0])}"), Complaint(complained[1], $"Return-Path: <{await relay.ReturnPathAsync(complained[1])}>"));
        Assert.Equal(2, await relay.ComplaintsAsync());
        Assert.NotNull((await relay.Fixture.FindAsync(complained[0])).Feedback!.ComplainedAt);
    }

    // Seen red: customers' webhooks were told of a bounce and a complaint that anybody could have made up.
    [Fact]
    public async Task Forged_ones_are_told_to_nobody_and_signed_ones_once()
    {
        await using var relay = await Relay.StartAsync();
        await relay.Fixture.Database.WriteAsync(session => FactInterest.SetAsync(session, 1, FactConsumer.Webhooks, [FactInterest.AllTypes], default), default);
        var id = await relay.QueuedAsync("ada@example.org");

        await relay.PostAsync(Dsn($"bounce+{id:n}@mail.shop.example", "5.1.1", "smtp; 550 5.1.1 forged"), Complaint(id, "X-Nothing: 1"));
        Assert.Empty(await FactsAsync());

        for (var i = 0; i < 2; i++) await relay.PostAsync(Dsn(await relay.ReturnPathAsync(id), "5.1.1", "smtp; 550 5.1.1 no such mailbox"), Complaint(id, $"X-MailFlow-Proof: {await relay.TagAsync(id)}"));
        Assert.Equal(["contact.consent.changed", "message.bounced", "message.complained"], (await FactsAsync()).Order());

        Task<List<string>> FactsAsync() => relay.Fixture.Database.ReadAsync(session => session.QueryAsync("SELECT type FROM fact", row => row.Text(0), default), default);
    }

    [Fact]
    public async Task A_mails_signature_is_good_for_no_other_mail()
    {
        await using var relay = await Relay.StartAsync();
        var (own, other) = (await relay.QueuedAsync("eve@example.org"), await relay.QueuedAsync("ada@example.org"));

        await relay.PostAsync(Complaint(other, $"X-MailFlow-Proof: {await relay.TagAsync(own)}"), Complaint(other, $"Return-Path: <{await relay.ReturnPathAsync(own)}>"));

        Assert.Equal(0, await relay.ComplaintsAsync());
    }

    private static string Dsn(string to, string status, string diagnostic) => $"""
        From: MAILER-DAEMON@x.example
        To: {to}
        Date: Mon, 5 Jan 2026 09:00:00 +0000
        Message-ID: <{Interlocked.Increment(ref _reports)}@x.example>
        Content-Type: multipart/report; report-type=delivery-status; boundary="b"

        --b
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.x.example

        Final-Recipient: rfc822; ada@example.org
        Action: failed
        Status: {status}
        Diagnostic-Code: {diagnostic}

        --b--

        """.ReplaceLineEndings("\r\n");

    private static string Complaint(Guid id, string header) => $"""
        From: <fbl@mailbox.example>
        Date: Mon, 5 Jan 2026 09:00:00 GMT
        To: <abuse@shop.example>
        Content-Type: multipart/report; report-type=feedback-report; boundary="part"
        Message-ID: <{Interlocked.Increment(ref _reports)}@mailbox.example>

        --part
        Content-Type: message/feedback-report

        Feedback-Type: abuse
        Version: 1

        --part
        Content-Type: text/rfc822-headers

        Message-ID: <{id:n}@shop.example>
        {header}

        --part--

        """.ReplaceLineEndings("\r\n");

    /// <summary>An account that sends by a relay, to which reports come back as mail.</summary>
    private sealed class Relay(DeliveryFixture fixture, Guid connection) : IAsyncDisposable
    {
        public DeliveryFixture Fixture => fixture;

        public static async Task<Relay> StartAsync()
        {
            var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
            var connection = await fixture.Get<Connections>().PutAsync(1, "relay", new("smtp", Settings: new Dictionary<string, string?>
            {
                ["host"] = "relay.example.org",
                ["tls"] = "none",
                ["bounce_secret"] = "s",
                ["return_path"] = "bounce@mail.shop.example",
            }), default);
            return new Relay(fixture, connection.Id);
        }

        /// <summary>A mail that is as if under way: these tests send none.</summary>
        public async Task<Guid> QueuedAsync(string email)
        {
            var id = await fixture.QueueAsync(await fixture.ContactAsync(email, email), message => message with { Stream = MessageStream.Transactional });
            await fixture.Database.WriteAsync(session => session.ExecuteAsync("UPDATE message SET to_address = @to, provider = 'relay', from_domain = 'shop.example' WHERE id = @id", default, ("to", email), ("id", id)), default);
            return id;
        }

        public async Task<string> TagAsync(Guid id) => ReturnTag.Of(id, (await fixture.Get<SigningKeys>().AllAsync(default))[0]);

        public async Task<string> ReturnPathAsync(Guid id) => $"bounce+{id:n}{await TagAsync(id)}@mail.shop.example";

        public async Task PostAsync(params string[] mails)
        {
            foreach (var mail in mails)
            {
                var call = new WebhookCall(new Dictionary<string, string> { ["Authorization"] = "Bearer s" }, new Dictionary<string, string>(), Encoding.ASCII.GetBytes(mail), fixture.Time.GetUtcNow());
                Assert.Equal(WebhookAnswer.Taken, await fixture.Get<Webhooks>().TakeAsync("smtp", connection, call, default));
            }
            while (await fixture.Get<FeedbackProcessor>().RunOnceAsync(default) > 0) { }
        }

        public Task<long> ComplaintsAsync() => fixture.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT coalesce(sum(complaints), 0) FROM sending_day WHERE subject NOT LIKE '%/%'", default), default);

        public ValueTask DisposeAsync() => fixture.DisposeAsync();
    }
}
