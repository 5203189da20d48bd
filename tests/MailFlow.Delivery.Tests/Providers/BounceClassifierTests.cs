using MailFlow.Delivery.Providers.Smtp;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>What real servers say, and whose fault it is.</summary>
public sealed class BounceClassifierTests
{
    private const string A100 = "user host user host user host user host user host user host user host user host user host user host ";
    private const string A1000 = A100 + A100 + A100 + A100 + A100 + A100 + A100 + A100 + A100 + A100;

    /// <summary>More than any server says. Seen red: all of it was read, however long.</summary>
    private const string LongText = A1000 + A1000;

    [Theory]
    [InlineData("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist.")]
    [InlineData("5.1.2", "Host unknown")]
    [InlineData("5.1.3", "bad destination mailbox address syntax")]
    [InlineData("5.1.6", "mailbox has moved")]
    [InlineData("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup")]
    [InlineData("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.")]
    [InlineData("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)")]
    [InlineData("5.4.4", "Host or domain name not found. Name service error for name=nodomain.example type=A")]
    [InlineData("5.0.0", "550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown in virtual mailbox table")]
    [InlineData("5.0.0", "550 No such user here")]
    [InlineData("5.1.0", "550 5.1.0 Address not listed in directory")]
    [InlineData(null, "554 delivery error: dd This user doesn't have a yahoo.com account (ada@yahoo.com) [0] - unknown user")]
    [InlineData("5.7.17", "mailbox owner has changed")]
    [InlineData(null, "550-Requested action not taken: mailbox unavailable 550 For explanation visit https://postmaster.web.de/en/case?c=r1601&i=ip&v=192.0.2.1&r=abc")]
    [InlineData(null, "554 delivery error: dd Not a valid recipient - atlas315.free.mail.ne1.yahoo.com")]
    [InlineData(null, "554 delivery error: dd ada@yahoo.com is no longer valid.")]
    [InlineData("5.1.0", "550 #5.1.0 Address rejected.")]
    [InlineData(null, "550 Unrouteable address")]
    [InlineData("5.4.4", "550 5.4.4 Invalid domain")]
    [InlineData("5.4.310", "550 5.4.310 DNS domain nodomain.example does not exist [Message=InfoDomainNonexistent]")]
    [InlineData("5.2.1", "550 5.2.1 This mailbox has been blocked due to inactivity")]
    [InlineData(null, "554 delivery error: dd Sorry your message to ada@yahoo.com cannot be delivered. This account has been disabled or discontinued [#102]. - mta1234.mail.ne1.yahoo.com")]
    [InlineData(null, "553 Mail from hello@shop.example to ada@example.org rejected: no such user")] // seen red: the sender's domain
    [InlineData("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).")] // Outlook.com; seen red: the message's affair
    [InlineData("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable")]
    [InlineData(null, "550 Requested action not taken: mailbox unavailable")] // GMX, web.de; seen red: nothing
    [InlineData("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account (ada@yahoo.com) [0] - mta4137.mail.bf1.yahoo.com")]
    public void The_address_does_not_exist(string? status, string text) => Assert.Equal(BounceKind.Hard, BounceClassifier.Reported(status, text, BounceKind.MessageSoft).Kind);

    [Theory]
    [InlineData("5.2.2", "552 5.2.2 The email account that you tried to reach is over quota.")]
    [InlineData("4.2.2", "452 4.2.2 mailbox full")]
    [InlineData("4.1.1", "450 4.1.1 <ada@example.org>: Recipient address rejected: unverified address: Address verification in progress")]
    [InlineData("4.2.1", "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered")]
    [InlineData("5.2.1", "550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. https://support.google.com/mail/?p=ReceivingRatePerm")] // seen red: gone for good
    [InlineData("", "unable to get mx info: failed to get IPs from PTR record: lookup <nil>: unrecognized address")] // SendGrid's; seen red: the connection was stopped
    [InlineData("5.0.0", "unable to get mx info: failed to get IPs from PTR record: lookup <nil>: unrecognized address")]
    [InlineData("5.5.0", "550 5.5.0 Service refuse. Veuillez essayer plus tard. The recipient account is blocked. LPN007_426")]
    [InlineData("5.7.703", "550 5.7.703 Your message can't be delivered because one or more recipients are blocked by your organization using Tenant Allow Block List")]
    [InlineData("5.1.1", "552 5.2.2 Over quota")] // the status made of the reply code, seen red: gone for good
    [InlineData("5.1.1", "552 5.1.1 <ada@wanadoo.fr> Boite du destinataire pleine. Recipient overquota. OFR_417")]
    [InlineData("5.7.27", "550 Host does not accept mail")]
    [InlineData(null, "571 Sender is not allowed to email this distribution list: staff@example.org")]
    [InlineData("5.7.1", "550 5.7.1 You do not have permission to send to this recipient")]
    [InlineData("4.4.1", "connect to mx.example.org: Connection timed out")]
    [InlineData("4.4.7", "Message expired")]
    [InlineData("4.3.1", "Insufficient system resources")]
    [InlineData(null, "552 mailbox full")]
    [InlineData("5.0.0", "Mailbox quota exceeded")]
    [InlineData("5.0.0", "552 daily receiving quota exceeded for this mailbox")]
    [InlineData("4.4.5", "mail system congested")]
    [InlineData(null, "452 later")]
    public void The_mailbox_cannot_take_mail_now(string? status, string text) => Assert.Equal(BounceKind.RecipientSoft, BounceClassifier.Reported(status, text, BounceKind.Hard).Kind);

    [Theory]
    [InlineData("5.3.4", "552 5.3.4 Your message exceeded Google's message size limits")]
    [InlineData("5.6.0", "mail with bad attachment")]
    [InlineData("5.7.1", "550 5.7.1 Message contained spam-like content")]
    [InlineData("4.7.1", "451 4.7.1 Greylisting in action, please come back in 00:05:00")]
    [InlineData("4.2.0", "450 4.2.0 <ada@example.org>: Recipient address rejected: Greylisted")]
    [InlineData("5.7.0", "552 5.7.0 This message was blocked because its content presents a potential security issue.")]
    [InlineData(null, "554 message too large")]
    [InlineData("5.7.1", "554 5.7.1 The message was rejected because it contains a URL on a blacklist (Spamhaus DBL)")] // seen red: one bad link stopped the connection
    [InlineData("5.7.1", "550 5.7.1 Message body contains blacklisted link, see multi.surbl.org")]
    [InlineData("5.7.0", "554 Mail from hello@shop.example rejected for policy reasons.")]
    [InlineData("5.7.1", "550 5.7.1 Your email was rejected due to having a domain present in the Spamhaus DBL")]
    [InlineData(null, "550 Administrative prohibition - envelope blocked")]
    [InlineData(null, "550 permanent failure for one or more recipients (ada@example.org:blocked)")]
    [InlineData("5.2.0", "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]")]
    [InlineData(null, "550-Requested action not taken: mailbox unavailable 550 Reject due to policy restrictions.")]
    public void This_message_was_not_wanted(string? status, string text) => Assert.Equal(BounceKind.MessageSoft, BounceClassifier.Reported(status, text, BounceKind.Hard).Kind);

    [Theory]
    [InlineData("5.7.515", "550 5.7.515 Access denied, sending domain SHOP.EXAMPLE does not meet the required authentication level.", FaultScope.Domain)]
    [InlineData("5.7.15", "550 5.7.15 Access denied, sending domain does not meet the required authentication level.", FaultScope.Domain)]
    [InlineData("5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated.", FaultScope.Domain)]
    [InlineData("4.7.26", "421-4.7.26 This mail has been rate limited because it is unauthenticated.", FaultScope.Domain)]
    [InlineData("5.7.27", "550 5.7.27 SPF did not pass", FaultScope.Domain)]
    [InlineData("5.7.30", "550 5.7.30 DKIM did not pass", FaultScope.Domain)]
    [InlineData("5.7.1", "550 5.7.1 Unauthenticated email from shop.example is not accepted due to domain's DMARC policy.", FaultScope.Domain)]
    [InlineData("5.7.9", "554 5.7.9 Message not accepted for policy reasons.", FaultScope.Domain)]
    [InlineData("5.1.8", "450 5.1.8 <news@shop.example>: Sender address rejected: Domain not found", FaultScope.Domain)]
    [InlineData("5.7.606", "550 5.7.606 Access denied, banned sending IP [192.0.2.1].", FaultScope.Connection)]
    [InlineData("5.7.649", "550 5.7.649 Access denied, banned sending IP [192.0.2.1].", FaultScope.Connection)]
    [InlineData("5.7.25", "550-5.7.25 The IP address sending this message does not have a PTR record setup", FaultScope.Connection)]
    [InlineData("5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", FaultScope.Connection)]
    [InlineData("4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints", FaultScope.Connection)]
    [InlineData("4.7.28", "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.", FaultScope.Connection)]
    [InlineData(null, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).", FaultScope.Connection)]
    [InlineData("5.7.1", "554 5.7.1 <ada@example.org>: Relay access denied", FaultScope.Connection)]
    [InlineData("5.5.2", "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", FaultScope.Connection)]
    [InlineData("5.5.2", "504 5.5.2 <news@shop>: Sender address rejected: need fully-qualified address", FaultScope.Domain)]
    [InlineData("5.5.4", "554 5.5.4 Your IP 192.0.2.1 address has a bad reputation", FaultScope.Connection)]
    [InlineData("5.2.1", "550 5.2.1 Mailbox unavailable. Your IP address 192.0.2.1 is blacklisted using SPAMHAUS-XBL. Details: https://www.spamhaus.org/query/ip/192.0.2.1", FaultScope.Connection)]
    [InlineData(null, "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)", FaultScope.Connection)]
    [InlineData(null, "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", FaultScope.Connection)]
    [InlineData(null, "554 resimta-po-01v.sys.comcast.net comcast 192.0.2.1 found on one or more DNSBLs", FaultScope.Connection)]
    [InlineData(null, "554 Host network not allowed - https://community.mimecast.com/docs/DOC-1369#554", FaultScope.Connection)]
    [InlineData(null, "550 SC-004 (COL0-MC1-F1) Unfortunately, messages from 192.0.2.1 weren't sent.", FaultScope.Connection)]
    [InlineData("5.7.705", "550 5.7.705 Access denied, tenant has exceeded threshold", FaultScope.Connection)]
    [InlineData("5.7.1", "554 5.7.1 Service unavailable; Sender address [news@shop.example] blocked using dbl.spamhaus.org", FaultScope.Domain)]
    [InlineData(null, "550-5.1.0 MXIN506 MailFrom domain is listed in Spamhaus. Please see https://www.spamhaus.org/query/domain/shop.example", FaultScope.Domain)]
    [InlineData("5.7.1", "550 5.7.1 Mail from IP 192.0.2.1 was rejected due to listing in Spamhaus SBL", FaultScope.Connection)] // seen red: the domain
    [InlineData("5.1.1", "550 5.7.1 IP address blacklisted by recipient", FaultScope.Connection)] // seen red: the recipient was suppressed
    [InlineData("5.1.3", "553 http://www.spamhaus.org/query/bl?ip=192.0.2.1", FaultScope.Connection)]
    [InlineData("5.3.0", "553 5.3.0 <ada@example.org>... DNSBL:ATTRBL 521< 192.0.2.1 >_is_blocked", FaultScope.Connection)]
    [InlineData("5.7.1", "554 5.7.1 Reverse lookup: host not found", FaultScope.Connection)]
    [InlineData(null, "550 Sender address does not exist", FaultScope.Domain)]
    [InlineData("5.7.1", "553 5.7.1 From address does not exist", FaultScope.Domain)]
    [InlineData("5.7.1", "550 5.7.1 Sender mailbox does not exist", FaultScope.Domain)]
    [InlineData(null, "550 Invalid sender address: user unknown", FaultScope.Domain)]
    [InlineData("5.7.1", "550 5.7.1 Your domain does not exist", FaultScope.Domain)]
    [InlineData("5.7.1", "550 5.7.1 Reply-To address is invalid", FaultScope.Domain)]
    [InlineData("4.7.1", "450 4.7.1 <mail.shop.example>: Helo command rejected: Host not found", FaultScope.Connection)] // seen red: the recipient was suppressed
    [InlineData("5.7.1", "550 5.7.1 <mail.shop.example>: Helo command rejected: Host not found", FaultScope.Connection)]
    [InlineData("5.7.1", "550 5.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]", FaultScope.Connection)]
    [InlineData(null, "550-Requested action not taken: mailbox unavailable 550 invalid DNS MX or A/AAAA resource record", FaultScope.Domain)]
    [InlineData(null, "553 Sender domain does not exist", FaultScope.Domain)]
    [InlineData("5.7.1", "554 5.7.1 Sender address is invalid", FaultScope.Domain)]
    [InlineData("5.7.60", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", FaultScope.Domain)]
    [InlineData("5.2.252", "554 5.2.252 SendAsDenied; news@shop.example not allowed to send as eve@shop.example", FaultScope.Domain)]
    public void The_sender_is_not_set_up_as_it_must_be(string? status, string text, object stops) =>
        Assert.Equal((BounceKind.SenderFault, (FaultScope)stops), BounceClassifier.Find(status, text) is { Stops: { } found } cause ? (cause.Kind, found) : default);

    [Theory]
    [InlineData("5.7.133", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group")]
    [InlineData("5.7.134", "550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this mailbox")]
    [InlineData("5.7.1", "554 5.7.1 <ada@dead.example>: Relay access denied")]
    [InlineData("5.7.8", "535 5.7.8 Authentication credentials invalid")]
    [InlineData("5.0.0", "550 Recipient address blocked: mailbox closed")]
    [InlineData("5.0.0", "host mx.example.net[192.0.2.1] said: 550 user account blocked")]
    [InlineData("5.7.1", "550 5.7.1 Sender rejected by recipient's personal filter")]
    [InlineData("5.7.1", "550 5.7.1 The recipient has blocked this sender")]
    public void What_is_reported_of_one_recipient_is_that_recipients_affair(string status, string text) =>
        Assert.Equal(new BounceCause(BounceKind.RecipientSoft), BounceClassifier.Reported(status, text, BounceKind.MessageSoft));

    [Theory]
    [InlineData("5.7.515", "550 5.7.515 Access denied", true)]
    [InlineData("5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated.", true)]
    [InlineData("5.7.1", "550 5.7.1 Unauthenticated email from shop.example is not accepted due to domain's DMARC policy.", false)]
    [InlineData("5.7.9", "554 5.7.9 Message not accepted for policy reasons.", false)]
    public void Only_a_code_that_means_nothing_else_is_exact(string status, string text, bool exact) =>
        Assert.Equal(new ReportedFault(FaultScope.Domain, exact), BounceClassifier.Reported(status, text, BounceKind.MessageSoft).Fault);

    [Theory]
    [InlineData("4.7.28", "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.")]
    [InlineData("5.7.650", "550 5.7.650 The mail server has been temporarily rate limited due to IP reputation")]
    [InlineData("4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints")]
    [InlineData("5.4.5", "550 5.4.5 Daily SMTP relay sending limit exceeded for this user.")]
    [InlineData("5.4.5", "550 5.4.5 Daily user sending limit exceeded.")]
    [InlineData("5.7.1", "550 5.7.1 Daily SMTP relay limit exceeded for customer.")]
    [InlineData("5.7.0", "550 5.7.0 Hourly sending quota exceeded")]
    [InlineData("5.1.1", "550 5.1.1 <ada@example.org> - 203.0.113.222 has sent to too many recipients this hour. IB607")] // seen red: gone for good
    [InlineData(null, "550 Too many invalid recipients")]
    [InlineData(null, "550 Ip frequency limited [abc IP: 192.0.2.1]")]
    [InlineData("5.2.0", "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception")]
    [InlineData("5.4.6", "550 5.4.6 Unusual sending activity detected. Please try after sometime")]
    [InlineData("5.7.0", "550 5.7.0 Requested action not taken: too many emails per second")]
    [InlineData("4.3.2", "452 4.3.2 Connection rate limit exceeded.")]
    [InlineData("4.7.0", "421 RP-001 (SNT004-MC1F1) Unfortunately, some messages from 192.0.2.1 weren't sent. Please try again. We have limits for how many messages can be sent per hour and per day.")]
    [InlineData(null, "550 Domain shop.example has exceeded the max emails per hour (500/500 (100%)) allowed. Message discarded.")] // Exim, as hosters set it up
    [InlineData("5.1.90", "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients")]
    public void Too_high_a_rate_is_the_senders_fault_and_ends_by_itself(string? status, string text) =>
        Assert.Equal((BounceKind.SenderFault, null), BounceClassifier.Reported(status, text, BounceKind.MessageSoft) is var cause ? (cause.Kind, cause.Fault) : default);

    // Seen red: what a relay said of our account or identity was the mail's or its recipient's fault, and every mail that was due was lost.
    [Theory]
    [InlineData("FinalDot", "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: news@shop.example")]
    [InlineData("FinalDot", "554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail' on resource")]
    [InlineData("FinalDot", "554 Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.")]
    [InlineData("FinalDot", "550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.")]
    [InlineData("MailFrom", "550 5.7.1 Invalid credentials for relay [192.0.2.1]. The IP address you've registered doesn't match")]
    [InlineData("Recipient", "550 5.7.1 Your account has been suspended")]
    [InlineData("FinalDot", "550 5.7.1 The account is disabled")]
    [InlineData("MailFrom", "550 mailbox unavailable")]
    [InlineData("Recipient", "550 Please turn on SMTP Authentication in your mail client. host.shop.example is not permitted to relay through this server without authentication.")]
    [InlineData("Recipient", "553 Relaying disallowed as news@shop.example")]
    [InlineData("Recipient", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)")]
    [InlineData("Recipient", "503 This mail server requires authentication when attempting to send to a non-local e-mail address.")]
    [InlineData("Recipient", "530 SMTP authentication is required.")]
    [InlineData("FinalDot", "550 5.7.0 Mail Sending denied. Visit https://support.google.com")]
    [InlineData("FinalDot", "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is Suspend")]
    [InlineData("FinalDot", "550 5.7.1 Unconfigured Sending Domain <shop.example>")]
    [InlineData("MailFrom", "550 5.1.1 no such user here")]
    public void What_our_own_relay_says_of_us_is_the_senders_fault(string stage, string text) =>
        Assert.Equal(BounceKind.SenderFault, BounceClassifier.Own(text[..3], text[4..], Enum.Parse<SmtpStage>(stage))?.Kind);

    [Theory]
    [InlineData("Recipient", "550 5.1.1 <ada@example.org>: User unknown", BounceKind.Hard)]
    [InlineData("Recipient", "550 No such user here", BounceKind.Hard)]
    [InlineData("Recipient", "550 5.2.1 The email account that you tried to reach is disabled.", BounceKind.Hard)]
    [InlineData("Recipient", "550 invalid DNS MX or A/AAAA resource record", BounceKind.RecipientSoft)]
    [InlineData("FinalDot", "550 5.1.1 <ada@example.org>: User unknown", BounceKind.Hard)]
    [InlineData("FinalDot", "550 5.2.1 <ada@example.org>: user account is disabled", BounceKind.Hard)]
    [InlineData("Recipient", "550 5.2.1 This account has been disabled", BounceKind.Hard)] // seen red: the connection was stopped, by a relay that asks the recipient's server
    [InlineData("Recipient", "550 5.1.1 <ada@example.org>: address is not verified", BounceKind.Hard)]
    [InlineData("Recipient", "554 delivery error: dd This account has been disabled or discontinued [#102].", BounceKind.Hard)]
    [InlineData("Recipient", "571 571 Sender is not allowed to email this distribution list: staff@example.org", BounceKind.RecipientSoft)]
    [InlineData("Recipient", "550 You are not allowed to send mail to this list", BounceKind.RecipientSoft)]
    [InlineData("Recipient", "550 5.1.1 <ada@dead.example>: Recipient address rejected: undeliverable address: host mx.dead.example[192.0.2.9] said: 554 5.7.1 <ada@dead.example>: Relay access denied (in reply to RCPT TO command)", BounceKind.RecipientSoft)] // seen red: what a stranger's server said to the relay stopped the connection
    [InlineData("Recipient", "550 5.1.1 <ada@dead.example>: Recipient address rejected: undeliverable address: host mx.dead.example[192.0.2.9] said: 554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org", BounceKind.RecipientSoft)]
    [InlineData("Recipient", "550 5.1.1 <ada@dead.example>: Recipient address rejected: undeliverable address: host mx.dead.example[192.0.2.9] said: 550 5.1.1 User unknown", BounceKind.Hard)]
    [InlineData("Recipient", "550 Callout verification failed: 550 relay not permitted", BounceKind.RecipientSoft)]
    [InlineData("Recipient", "550 5.7.1 sender is not authorized to send to this group", BounceKind.RecipientSoft)]
    [InlineData("FinalDot", "554 Transaction failed: unknown user", BounceKind.MessageSoft)] // some relays look at recipients last, but not without a code
    [InlineData("MailFrom", "552 5.3.4 Message size exceeds fixed limit", BounceKind.MessageSoft)]
    [InlineData("MailFrom", "552 Message size exceeds fixed maximum message size", BounceKind.MessageSoft)]
    public void What_our_own_relay_says_of_the_mail_or_its_recipient_is_theirs(string stage, string text, object kind) =>
        Assert.Equal((BounceKind)kind, BounceClassifier.Own(text.Split(' ')[1].Contains('.') ? text.Split(' ')[1] : text[..3], text[4..], Enum.Parse<SmtpStage>(stage))?.Kind);

    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    [InlineData("nonsense", "no")]
    [InlineData("5.0.0", "5.0.0")]
    [InlineData(null, "version 5.1.1.7 at 10.5.1.1")]
    [InlineData("99999.99999.99999", "5.99999.1")]
    [InlineData(null, "no 5.1.\u0661 such")] // seen red: a FormatException
    [InlineData("5.0.0", LongText + " 550 no such user")]
    public void Where_nothing_is_said_the_providers_word_counts(string? status, string? text)
    {
        Assert.Null(BounceClassifier.Find(status, text));
        Assert.Equal(BounceKind.Hard, BounceClassifier.Reported(status, text, BounceKind.Hard).Kind);
        Assert.Equal(BounceKind.MessageSoft, BounceClassifier.Reported(status, text, BounceKind.MessageSoft).Kind);
    }
}
