using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>What we say is understood by a server, and what we write read by a parser, that share no code with us.</summary>
public sealed class RealSmtpServerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mailflow-smtp-");
    private readonly SmtpEnvelope _envelope = new(EmailAddress.Parse("bounce@mailflow.test"), EmailAddress.Parse("ada@example.org"));

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_mail_arrives_as_it_was_meant()
    {
        await using var server = await RealSmtpServer.StartAsync();
        await using var client = new SmtpClient(Options(server), TimeProvider.System);
        const string Text = "Liebe Ada,\n\n.ein Punkt am Anfang\n.\nFrom hier an: grün = schön   \nEnde\n";
        var longLine = string.Concat(Enumerable.Repeat("<td style=\"color:#333\">ä€🎉</td>", 300));
        var result = await client.SendAsync(_envelope, MimeMessageWriter.Write(Mail() with
        {
            From = new Mailbox(EmailAddress.Parse("news@bücher.example"), "Bücher & Söhne, \"GmbH\""),
            To = [new Mailbox(EmailAddress.Parse("ada@example.org"), "Ada Lovelace, 🎩 Countess of Lovelace and of a rather long title, 第一")],
            Subject = "🎉 Schön, dass Du da bist – Deine ersten drei Schritte mit uns, und noch viel mehr als das 🎉🎉🎉",
            Text = Text,
            Html = $"<p>Liebe Ada,</p>\n{longLine}\n.\n",
            ListUnsubscribe = ["https://mail.example/u/abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789", "mailto:unsubscribe@mail.example?subject=abc"],
            OneClickUnsubscribe = true,
            Headers = [new("X-MailFlow-Journey", "Begrüßung"), new("Feedback-ID", "welcome:acme:mailflow")],
        }), default);

        var accepted = Assert.IsType<SmtpResult.Accepted>(result);
        var mail = Assert.Single(await server.MailsAsync(1));
        Assert.Equal(mail.Session, accepted.QueueId);
        Assert.Equal("bounce@mailflow.test", mail.MailFrom);
        Assert.Equal(["ada@example.org"], mail.RcptTo);
        Assert.Equal("[127.0.0.1]", mail.Helo);
        Assert.Equal("🎉 Schön, dass Du da bist – Deine ersten drei Schritte mit uns, und noch viel mehr als das 🎉🎉🎉", mail.Subject);
        Assert.Equal("Bücher & Söhne, \"GmbH\"", mail.FromName);
        Assert.Equal("news@xn--bcher-kva.example", mail.FromAddress);
        Assert.Equal("Ada Lovelace, 🎩 Countess of Lovelace and of a rather long title, 第一", mail.ToName);
        Assert.Equal("ada@example.org", mail.ToAddress);
        // The parser adds a line break of its own to quoted-printable parts.
        Assert.Equal(Text.TrimEnd(), mail.Text.ReplaceLineEndings("\n").TrimEnd());
        Assert.Equal($"<p>Liebe Ada,</p>\n{longLine}\n.", mail.Html.ReplaceLineEndings("\n").TrimEnd());
        Assert.Equal("<0198-welcome@mailflow.test>", mail.MessageId);
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 9, 0, 0, TimeSpan.Zero), DateTimeOffset.Parse(mail.Date, null));
        Assert.Equal("<https://mail.example/u/abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789>, <mailto:unsubscribe@mail.example?subject=abc>", mail.Header("List-Unsubscribe"));
        Assert.Equal("List-Unsubscribe=One-Click", mail.Header("List-Unsubscribe-Post"));
        Assert.Equal("=?utf-8?B?QmVncsO8w591bmc=?=", mail.Header("X-MailFlow-Journey"));
        Assert.Equal("welcome:acme:mailflow", mail.Header("Feedback-ID"));
    }

    [Fact]
    public async Task An_unknown_mailbox_is_rejected_and_the_next_mail_goes_over_the_same_connection()
    {
        await using var server = await RealSmtpServer.StartAsync();
        await using var client = new SmtpClient(Options(server), TimeProvider.System);
        var octets = MimeMessageWriter.Write(Mail());
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(_envelope, octets, default));
        var rejected = await client.SendAsync(_envelope with { To = EmailAddress.Parse("nobody@example.org") }, octets, default);
        Assert.Equal(new SmtpResult.Rejected(SmtpStage.Recipient, 550, "5.1.1", "No such user here"), rejected);
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(_envelope with { From = null }, octets, default));
        var mails = await server.MailsAsync(2);
        Assert.Equal(mails[0].Session, mails[1].Session);
        Assert.Equal("", mails[1].MailFrom);
    }

    [Fact]
    public async Task Many_mails_at_once_arrive_once_each()
    {
        await using var server = await RealSmtpServer.StartAsync();
        await using var client = new SmtpClient(Options(server) with { MaxConnections = 3, MaxMessagesPerConnection = 20 }, TimeProvider.System);
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(i =>
            client.SendAsync(_envelope, MimeMessageWriter.Write(Mail() with { MessageId = $"{i}@mailflow.test" }), default)));
        Assert.All(results, result => Assert.IsType<SmtpResult.Accepted>(result));
        var mails = await server.MailsAsync(100);
        Assert.Equal(100, mails.Select(mail => mail.MessageId).Distinct().Count());
        Assert.Equal(100, mails.Count);
    }

    [Fact]
    public async Task A_mailbox_outside_ASCII_is_reached_through_SMTPUTF8()
    {
        await using var server = await RealSmtpServer.StartAsync();
        await using var client = new SmtpClient(Options(server), TimeProvider.System);
        var jürgen = EmailAddress.Parse("jürgen@bücher.example");
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(_envelope with { To = jürgen }, MimeMessageWriter.Write(Mail() with { To = [new Mailbox(jürgen)] }), default));
        // What the server shows is its own reading of the envelope; it turns A-labels back into Unicode.
        Assert.StartsWith("jürgen@", Assert.Single(Assert.Single(await server.MailsAsync(1)).RcptTo), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_above_the_servers_size_is_rejected()
    {
        await using var server = await RealSmtpServer.StartAsync(new(Size: 2000));
        await using var client = new SmtpClient(Options(server), TimeProvider.System);
        var result = await client.SendAsync(_envelope, MimeMessageWriter.Write(Mail() with { Html = new string('x', 3000) }), default);
        Assert.Equal(552, Assert.IsType<SmtpResult.Rejected>(result).Code);
    }

    [Theory]
    [InlineData("starttls", SmtpTls.StartTls)]
    [InlineData("implicit", SmtpTls.Implicit)]
    public async Task A_mail_goes_over_TLS_and_signed_in_when_the_certificate_is_trusted(string offered, SmtpTls wanted)
    {
        var (key, certificate, pin) = Certificate();
        await using var server = await RealSmtpServer.StartAsync(new(offered, key, certificate, "mailflow", "pässword"));
        var options = Options(server) with { Host = "localhost", Tls = wanted, UserName = "mailflow", Password = "pässword" };
        foreach (var trusting in new[] { options with { TrustedAuthoritiesFile = certificate }, options with { TrustedCertificateSha256 = pin } })
        {
            await using var client = new SmtpClient(trusting, TimeProvider.System);
            Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(_envelope, MimeMessageWriter.Write(Mail()), default));
        }

        Assert.All(await server.MailsAsync(2), mail => Assert.Equal((true, "mailflow"), (mail.Secure, mail.User)));
    }

    [Theory]
    [InlineData("starttls", SmtpTls.StartTls)]
    [InlineData("implicit", SmtpTls.Implicit)]
    public async Task A_certificate_that_is_not_trusted_gets_no_mail(string offered, SmtpTls wanted)
    {
        var (key, certificate, pin) = Certificate();
        await using var server = await RealSmtpServer.StartAsync(new(offered, key, certificate));
        var options = Options(server) with { Host = "localhost", Tls = wanted };
        foreach (var distrusting in new[]
        {
            options,
            options with { TrustedCertificateSha256 = pin[..^1] + (pin[^1] == '0' ? '1' : '0') },
            // The right authority, the wrong name.
            options with { Host = "127.0.0.2", TrustedAuthoritiesFile = certificate },
        })
        {
            await using var client = new SmtpClient(distrusting, TimeProvider.System);
            Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(_envelope, MimeMessageWriter.Write(Mail()), default));
        }

        Assert.Empty(server.Mails);
    }

    [Fact]
    public async Task A_wrong_password_defers_with_the_servers_code()
    {
        await using var server = await RealSmtpServer.StartAsync(new(User: "mailflow", Password: "right"));
        await using var client = new SmtpClient(Options(server) with { UserName = "mailflow", Password = "wrong" }, TimeProvider.System);
        var deferred = Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(_envelope, MimeMessageWriter.Write(Mail()), default));
        Assert.Equal((SmtpStage.Authenticate, 535), (deferred.Stage, deferred.Code));
    }

    private static MimeMessage Mail() => new()
    {
        MessageId = "0198-welcome@mailflow.test",
        Date = new DateTimeOffset(2026, 3, 1, 9, 0, 0, TimeSpan.Zero),
        From = new Mailbox(EmailAddress.Parse("news@mailflow.test"), "MailFlow"),
        To = [new Mailbox(EmailAddress.Parse("ada@example.org"))],
        Subject = "Welcome",
        Text = "Hello.\n",
        Html = "<p>Hello.</p>\n",
    };

    private static SmtpOptions Options(RealSmtpServer server) => new() { Host = "127.0.0.1", Port = server.Port, Tls = SmtpTls.None };

    private (string Key, string Certificate, string Pin) Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var keyFile = Path.Combine(_folder.FullName, "key.pem");
        var certificateFile = Path.Combine(_folder.FullName, "certificate.pem");
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        return (keyFile, certificateFile, certificate.GetCertHashString(HashAlgorithmName.SHA256));
    }
}
