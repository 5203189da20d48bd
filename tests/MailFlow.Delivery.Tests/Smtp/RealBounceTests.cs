using System.Runtime.Versioning;
using MailFlow.Audience;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>Out through a real relay, and back as what that relay makes of it.</summary>
[SupportedOSPlatform("linux")]
public sealed class RealBounceTests
{
    [Fact]
    public async Task A_mail_to_nobody_comes_back_from_Postfix_as_a_hard_bounce_that_suppresses_the_address()
    {
        await using var mailbox = await RealSmtpServer.StartAsync();
        await using var postfix = await PostfixServer.StartAsync(mailbox.Port);
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        fixture.Start(options: fixture.Options with { AllowPrivateRelays = true });
        var connection = await fixture.Get<Connections>().PutAsync(1, "relay", new("smtp", Settings: new Dictionary<string, string?>
        {
            ["host"] = "127.0.0.1",
            ["port"] = $"{postfix.Port}",
            ["tls"] = "none",
            ["return_path"] = "bounce@mail.shop.example",
            ["bounce_secret"] = "s3cret",
        }), default);
        var contact = await fixture.ContactAsync("ada", "nobody-here@relay.example");

        var id = await fixture.QueueAsync(contact);
        await fixture.SendAllAsync();
        var sent = await fixture.FindAsync(id);
        Assert.Equal(MessageState.Accepted, sent.State);
        var report = Assert.Single(await mailbox.MailsAsync(1));

        // It went to the mail's own return path, signed, from nobody, so that it cannot bounce itself.
        Assert.Matches($"^bounce\\+{id:n}[0-9a-f]{{12}}@mail\\.shop\\.example$", Assert.Single(report.RcptTo));
        Assert.Equal("", report.MailFrom);
        Assert.Contains(sent.ProviderId!, postfix.Log);
        var call = new WebhookCall(new Dictionary<string, string> { ["Authorization"] = "Bearer s3cret" }, new Dictionary<string, string>(), report.Raw, fixture.Time.GetUtcNow());
        Assert.Equal(WebhookAnswer.Taken, await fixture.Get<Webhooks>().TakeAsync("smtp", connection.Id, call, default));
        while (await fixture.Get<FeedbackProcessor>().RunOnceAsync(default) > 0) { }

        Assert.Equal("hard", (await fixture.FindAsync(id)).Feedback!.Bounce);
        var suppression = Assert.Single(await fixture.Get<Suppressions>().OfAsync(1, "nobody-here@relay.example", default));
        Assert.Equal(("hard_bounce", "all", true), (suppression.Reason, suppression.Scope, suppression.Detail!.Contains("unknown user", StringComparison.Ordinal)));
        Assert.Equal(1, await fixture.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT sum(hard_bounces) FROM sending_day WHERE subject NOT LIKE '%/%'", default), default));
        var next = await fixture.QueueAsync(contact);
        await fixture.SendAllAsync();
        Assert.Equal(MessageState.Suppressed, (await fixture.StateAsync(next)).State);
    }
}
