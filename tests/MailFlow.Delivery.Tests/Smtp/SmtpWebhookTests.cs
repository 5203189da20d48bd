using System.Text;
using MailFlow.Delivery.Tests.Providers;
using static MailFlow.Delivery.Tests.Providers.Calls;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>What comes back to the return path, as mail systems write it.</summary>
public sealed class SmtpWebhookTests
{
    private static readonly ConnectionSettings Keyed = Settings(("bounce_secret", "s3cret"));

    private const string NoSuchUser = """
        Final-Recipient: rfc822; ada@example.org
        Original-Recipient: rfc822;ada@example.org
        Action: failed
        Status: 5.1.1
        Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: Recipient address rejected:
            User unknown in local recipient table
        """;

    private readonly IProviderWebhook _webhook = ProviderKinds.Of("smtp").Webhook!;

    [Fact]
    public async Task Whoever_knows_the_secret_may_post()
    {
        Assert.True(await _webhook.IsVerifiedAsync(Of(Report(), ("Authorization", "Bearer s3cret")), Keyed));
        Assert.False(await _webhook.IsVerifiedAsync(Of(Report(), ("Authorization", "Bearer guess")), Keyed));
        Assert.False(await _webhook.IsVerifiedAsync(Of(Report()), Keyed));
        Assert.False(await _webhook.IsVerifiedAsync(Of(Report(), ("Authorization", "Bearer ")), Settings()));
    }

    [Fact]
    public void A_report_of_a_failed_delivery_is_a_bounce_of_our_mail()
    {
        var bounce = Assert.Single(_webhook.Read(Utf8(Report())));
        Assert.Equal((FeedbackKind.Bounced, BounceKind.Hard, Key, "ada@example.org"), (bounce.Kind, bounce.Bounce, bounce.MessageId, bounce.Email));
        Assert.Equal(new DateTimeOffset(2026, 1, 5, 9, 0, 0, TimeSpan.Zero), bounce.At);
        Assert.Equal("550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown in local recipient table", bounce.Reason);
        // With the line ends of a mailbox file, and once more: the same report.
        Assert.Equal(bounce, Assert.Single(_webhook.Read(Utf8(Report().Replace("\r\n", "\n", StringComparison.Ordinal)))));
        Assert.Equal(bounce, Assert.Single(_webhook.Read(Utf8("From MAILER-DAEMON Mon Jan  5 09:00:00 2026\n" + Report()))));
    }

    [Theory]
    [InlineData("address")]
    [InlineData("header")]
    [InlineData("message-id")]
    [InlineData("none")]
    public void Our_key_is_found_wherever_it_was_left(string where)
    {
        var report = Report(
            to: where == "address" ? $"bounce+{Key:n}@mail.shop.example" : "bounce@mail.shop.example",
            returned: where switch
            {
                "header" => $"Subject: x\r\nX-MailFlow-Message: {Key}\r\n",
                "message-id" => $"Message-ID:\r\n <{Key:n}@shop.example>\r\n",
                _ => "Subject: x\r\n",
            });
        Assert.Equal(where == "none" ? null : Key, Assert.Single(_webhook.Read(Utf8(report))).MessageId);
    }

    [Fact]
    public void Several_recipients_are_told_each_by_its_own_fate()
    {
        var found = _webhook.Read(Utf8(Report(recipients: """
            Final-Recipient: rfc822; a@example.org
            Action: failed
            Status: 5.2.2
            Diagnostic-Code: smtp; 552 5.2.2 over
             quota

            Original-Recipient: rfc822;alias@example.org
            Final-Recipient: rfc822; b@example.org
            Action: delayed
            Status: 4.4.1
            Will-Retry-Until: Tue, 6 Jan 2026 09:00:00 +0000

            Final-Recipient: rfc822; c@example.org
            Action: relayed
            Status: 2.0.0

            Final-Recipient: rfc822; d@example.org
            Action: pondered
            Status: 2.0.0

            Final-Recipient: rfc822; e@example.org
            Action: failed
            Status: 5.7.515
            """)));
        Assert.Equal(
            [(FeedbackKind.Bounced, BounceKind.MessageSoft, "a@example.org"), (FeedbackKind.Delayed, null, "alias@example.org"), (FeedbackKind.Delivered, null, "c@example.org"),
                (FeedbackKind.Bounced, BounceKind.SenderFault, "e@example.org")],
            found.Select(one => (one.Kind, one.Bounce, one.Email!)));
        Assert.Equal("552 5.2.2 over quota", found[0].Reason);
        Assert.Equal(4, found.Select(one => one.Key).Distinct().Count());
    }

    [Theory]
    [InlineData("relayed", "2.0.0", BounceKind.MessageSoft)] // one member of an alias is gone, and the other got the mail
    [InlineData("failed", "5.1.1", BounceKind.Hard)]
    public void An_address_behind_which_one_of_several_failed_takes_mail_and_one_behind_which_all_failed_does_not(string other, string status, BounceKind expected)
    {
        var found = _webhook.Read(Utf8(Report(recipients: $"""
            Final-Recipient: rfc822; a@example.org
            Action: failed
            Status: 5.1.1

            Final-Recipient: rfc822; b@example.org
            Action: {other}
            Status: {status}
            """)));
        Assert.Equal(expected, found[0].Bounce);
    }

    [Fact]
    public void A_complaint_from_a_feedback_loop_is_one()
    {
        var complaint = Assert.Single(_webhook.Read(Utf8(Complaint("abuse"))));
        Assert.Equal((FeedbackKind.Complained, Key, "ada@example.org"), (complaint.Kind, complaint.MessageId, complaint.Email));
        Assert.Empty(_webhook.Read(Utf8(Complaint("not-spam"))));
    }

    [Theory]
    [InlineData("Subject: I am away\r\n\r\nUntil Monday.\r\n")]
    [InlineData("Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\nhello\r\n--x--\r\n")]
    [InlineData("")]
    public void Any_other_mail_reports_nothing(string mail) => Assert.Empty(_webhook.Read(Utf8(mail)));

    [Theory]
    [InlineData("Content-Type: multipart/report\r\n\r\n")]
    [InlineData("Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\nhello\r\n--x--\r\n")]
    [InlineData("Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n--x--\r\n")]
    [InlineData("Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n--x--\r\n")]
    public void A_report_that_says_nothing_says_so(string mail) => Assert.Throws<FormatException>(() => _webhook.Read(Utf8(mail)));

    [Fact]
    public void A_report_that_was_cut_off_is_read_as_far_as_it_goes()
    {
        var report = Report();
        var cut = report[..(report.IndexOf("User unknown", StringComparison.Ordinal) + 12)];
        Assert.Equal(BounceKind.Hard, Assert.Single(_webhook.Read(Utf8(cut))).Bounce);
    }

    [Fact]
    public void A_mail_made_to_be_slow_to_read_is_read_at_once()
    {
        var folded = new StringBuilder("Content-Type: multipart/report; boundary=x\r\n");
        for (var i = 0; i < 200_000; i++) folded.Append(" a\r\n");
        folded.Append("\r\n");
        for (var i = 0; i < 50_000; i++) folded.Append("--x\r\n");
        Assert.Throws<FormatException>(() => _webhook.Read(Utf8(folded.ToString())));
    }

    private static string Report(string? to = null, string? returned = null, string? recipients = null) => $"""
        Return-Path: <>
        Date: Mon,  5 Jan 2026 10:00:00 +0100 (CET)
        From: MAILER-DAEMON@relay.example (Mail Delivery System)
        Subject: Undelivered Mail Returned to Sender
        To: {to ?? $"bounce+{Key:n}@mail.shop.example"}
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status;
        	boundary="7E1B2C0D.1767603600/relay.example"
        Message-Id: <20260105090000.7E1B2@relay.example>

        This is a MIME-encapsulated message.

        --7E1B2C0D.1767603600/relay.example
        Content-Description: Notification
        Content-Type: text/plain; charset=us-ascii

        This is the mail system at host relay.example.

        --7E1B2C0D.1767603600/relay.example
        Content-Description: Delivery report
        Content-Type: message/delivery-status

        Reporting-MTA: dns; relay.example
        X-Postfix-Queue-ID: 7E1B2C0D
        X-Postfix-Sender: rfc822; bounce@mail.shop.example
        Arrival-Date: Mon,  5 Jan 2026 09:59:59 +0100 (CET)

        {recipients ?? NoSuchUser}

        --7E1B2C0D.1767603600/relay.example
        Content-Description: Undelivered Message
        Content-Type: message/rfc822

        {returned ?? $"Message-ID: <{Key:n}@shop.example>\r\nX-MailFlow-Message: {Key}\r\nSubject: Hello\r\n"}
        Hello.

        --7E1B2C0D.1767603600/relay.example--

        """.ReplaceLineEndings("\r\n");

    private static string Complaint(string type) => $"""
        From: <fbl@mailbox.example>
        Date: Mon, 5 Jan 2026 09:00:00 GMT
        To: <abuse@shop.example>
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="part"
        Message-ID: <fbl-1@mailbox.example>

        --part
        Content-Type: text/plain

        This is an abuse report.

        --part
        Content-Type: message/feedback-report

        Feedback-Type: {type}
        User-Agent: SomeGenerator/1.0
        Version: 1
        Original-Rcpt-To: <ada@example.org>

        --part
        Content-Type: text/rfc822-headers

        Message-ID: <{Key:n}@shop.example>
        To: <ada@example.org>

        --part--

        """.ReplaceLineEndings("\r\n");
}
