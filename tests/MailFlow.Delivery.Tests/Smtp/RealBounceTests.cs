using System.Runtime.Versioning;
using MailFlow.Delivery.Tests.Providers;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>Out through a real relay, and back as what that relay makes of it.</summary>
[SupportedOSPlatform("linux")]
public sealed class RealBounceTests
{
    [PostfixFact]
    public async Task A_mail_to_nobody_comes_back_from_Postfix_as_a_hard_bounce_of_that_mail()
    {
        await using var mailbox = await RealSmtpServer.StartAsync();
        await using var postfix = await PostfixServer.StartAsync(mailbox.Port);
        var type = ProviderKinds.Of("smtp", TimeProvider.System, new DeliveryOptions { AllowPrivateRelays = true });
        var provider = type.Open(Calls.Settings(("host", "127.0.0.1"), ("port", $"{postfix.Port}"), ("tls", "none"), ("return_path", "bounce@mail.shop.example")));
        var email = Mails.Marketing(to: "nobody-here@relay.example");

        var accepted = Assert.IsType<HandOver.Accepted>(await provider.SendAsync(email, default));
        await ((IAsyncDisposable)provider).DisposeAsync();
        var report = Assert.Single(await mailbox.MailsAsync(1));

        // It went to the mail's own return path, from nobody, so that it cannot bounce itself.
        Assert.Equal(($"bounce+{email.MessageId:n}@mail.shop.example", ""), (Assert.Single(report.RcptTo), report.MailFrom));
        Assert.Contains(accepted.ProviderId!, postfix.Log);
        var feedback = Assert.Single(type.Webhook!.Read(report.Raw));
        Assert.Equal((FeedbackKind.Bounced, BounceKind.Hard, email.MessageId, "nobody-here@relay.example"), (feedback.Kind, feedback.Bounce, feedback.MessageId, feedback.Email));
        Assert.Contains("unknown user", feedback.Reason);
        Assert.InRange(feedback.At, TimeProvider.System.GetUtcNow().AddMinutes(-10), TimeProvider.System.GetUtcNow().AddMinutes(1));
    }
}
