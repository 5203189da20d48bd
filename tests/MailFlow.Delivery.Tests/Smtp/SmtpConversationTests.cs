using System.Text;
using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Smtp;

public class SmtpConversationTests
{
    private static readonly SmtpEnvelope Envelope = new(EmailAddress.Parse("bounce@mailflow.test"), EmailAddress.Parse("ada@example.org"));
    private static readonly byte[] Mail = Encoding.ASCII.GetBytes("Subject: hello\r\n\r\nHello.\r\n");

    private readonly FakeTime _clock = new();

    [Fact]
    public async Task A_line_that_begins_with_a_dot_is_sent_with_two()
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = Client(server);
        await client.SendAsync(Envelope, Encoding.ASCII.GetBytes(".Odd: name\r\n\r\n.\r\n..\r\nno. dot.\r\n.end\r\n"), default);
        Assert.Equal("..Odd: name\r\n\r\n..\r\n...\r\nno. dot.\r\n..end\r\n", Assert.Single(server.Mails));
    }

    [Theory]
    [InlineData("Subject: a\r\n\r\nbare\nfeed\r\n", "bare CR or LF at octet 18")]
    [InlineData("Subject: a\r\n\r\n\n.\r\nMAIL FROM:<x@y.zz>\r\n", "bare CR or LF at octet 14")]
    [InlineData("Subject: a\r\n\r\nbare\rreturn\r\n", "bare CR or LF at octet 18")]
    [InlineData("Subject: a\r\n\r\n\0\r\n", "NUL at octet 14")]
    [InlineData("Subject: a\r\n\r\nno end", "does not end with CRLF")]
    public async Task Octets_by_which_a_second_mail_could_be_smuggled_in_are_refused(string mail, string reason)
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = Client(server);
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => client.SendAsync(Envelope, Encoding.ASCII.GetBytes(mail), default));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Empty(server.Commands);
    }

    [Fact]
    public async Task A_line_longer_than_998_octets_is_refused()
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = Client(server);
        await client.SendAsync(Envelope, Encoding.ASCII.GetBytes($"\r\n{new string('x', 998)}\r\n"), default);
        await Assert.ThrowsAsync<ArgumentException>(() => client.SendAsync(Envelope, Encoding.ASCII.GetBytes($"\r\n{new string('x', 999)}\r\n"), default));
    }

    [Fact]
    public async Task Mails_share_a_connection_and_a_refused_one_is_reset_before_the_next()
    {
        await using var server = new ScriptedSmtpServer(("RCPT", "250 fine"), ("RCPT", "550 no"), ("RCPT", "250 fine"));
        await using var client = Client(server);
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.IsType<SmtpResult.Rejected>(await client.SendAsync(Envelope, Mail, default));
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(1, server.Connections);
        Assert.Equal(["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"], server.Commands.Select(command => command[..4]));
    }

    [Theory]
    [InlineData(ScriptedSmtpServer.Drop)]
    [InlineData("421 4.4.2 idle too long")]
    public async Task A_kept_connection_that_the_server_has_given_up_is_replaced_and_the_mail_goes_out(string farewell)
    {
        await using var server = new ScriptedSmtpServer(("MAIL", "250 fine"), ("MAIL", farewell), ("MAIL", "250 fine"));
        await using var client = Client(server);
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(2, server.Connections);
        Assert.Equal(2, server.Mails.Count);
    }

    [Fact]
    public async Task A_mail_of_unknown_fate_is_not_sent_again_and_its_connection_not_used_again()
    {
        await using var server = new ScriptedSmtpServer(("DOT", "250 fine"), ("DOT", ScriptedSmtpServer.Drop), ("DOT", "250 fine"));
        await using var client = Client(server);
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.IsType<SmtpResult.Unknown>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal((1, 2), (server.Connections, server.Mails.Count));
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal((2, 3), (server.Connections, server.Mails.Count));
    }

    [Fact]
    public async Task A_connection_is_closed_after_its_share_of_mails()
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = new SmtpClient(Options(server) with { MaxMessagesPerConnection = 2 }, _clock);
        for (var i = 0; i < 5; i++)
            Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(3, server.Connections);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_with_QUIT()
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = Client(server);
        await client.SendAsync(Envelope, Mail, default);
        _clock.Advance(TimeSpan.FromSeconds(20));
        await server.ReachedAsync("QUIT");
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(2, server.Connections);
    }

    [Fact]
    public async Task No_more_connections_are_opened_than_allowed()
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = new SmtpClient(Options(server) with { MaxConnections = 3 }, _clock);
        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => client.SendAsync(Envelope, Mail, default)));
        Assert.All(results, result => Assert.IsType<SmtpResult.Accepted>(result));
        Assert.InRange(server.Connections, 1, 3);
    }

    [Fact]
    public async Task MAIL_and_RCPT_go_together_where_pipelining_is_offered_and_a_refused_sender_leaves_the_connection_in_step()
    {
        await using var server = new ScriptedSmtpServer(("EHLO", "250-scripted\r\n250 PIPELINING"), ("MAIL", "550 not you"), ("MAIL", "250 fine"), ("RCPT", "503 no sender"), ("RCPT", "250 fine"));
        await using var client = Client(server);
        var rejected = Assert.IsType<SmtpResult.Rejected>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal((SmtpStage.MailFrom, "not you"), (rejected.Stage, rejected.Text));
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task What_the_server_says_it_cannot_take_is_rejected_without_asking()
    {
        await using var server = new ScriptedSmtpServer(("EHLO", "250-scripted\r\n250 SIZE 20"));
        await using var client = Client(server);
        var tooLarge = Assert.IsType<SmtpResult.Rejected>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal((552, "5.3.4"), (tooLarge.Code, tooLarge.EnhancedCode));
        var notAscii = Assert.IsType<SmtpResult.Rejected>(await client.SendAsync(Envelope with { To = EmailAddress.Parse("jürgen@example.org") }, "\r\nx\r\n"u8.ToArray(), default));
        Assert.Equal((553, "5.6.7"), (notAscii.Code, notAscii.EnhancedCode));
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task AUTH_LOGIN_is_used_where_PLAIN_is_not_offered()
    {
        await using var server = new ScriptedSmtpServer(("EHLO", "250-scripted\r\n250 AUTH LOGIN"), ("AUTH", "334 VXNlcm5hbWU6"),
            (Base64("mailflow").ToUpperInvariant(), "334 UGFzc3dvcmQ6"), (Base64("pässword").ToUpperInvariant(), "235 welcome"));
        await using var client = new SmtpClient(Options(server) with { UserName = "mailflow", Password = "pässword" }, _clock);
        Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(["AUTH LOGIN", Base64("mailflow"), Base64("pässword")], server.Commands.Skip(1).Take(3));
    }

    [Fact]
    public async Task Required_STARTTLS_that_is_not_offered_defers_and_sends_nothing_in_the_clear()
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = new SmtpClient(Options(server) with { Tls = SmtpTls.StartTls, UserName = "mailflow", Password = "secret" }, _clock);
        Assert.Equal(SmtpStage.StartTls, Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(Envelope, Mail, default)).Stage);
        Assert.Single(server.Commands);
    }

    [Fact]
    public async Task Words_spoken_in_the_clear_after_STARTTLS_are_not_taken_for_the_secured_servers()
    {
        await using var server = new ScriptedSmtpServer(("EHLO", "250-scripted\r\n250 STARTTLS"), ("STARTTLS", "220 go\r\n250 AUTH PLAIN"));
        await using var client = new SmtpClient(Options(server) with { Tls = SmtpTls.StartTls }, _clock);
        Assert.Contains("in the clear", Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(Envelope, Mail, default)).Text, StringComparison.Ordinal);
    }

    private SmtpClient Client(ScriptedSmtpServer server) => new(Options(server), _clock);

    private static SmtpOptions Options(ScriptedSmtpServer server) => new() { Host = "127.0.0.1", Port = server.Port, Tls = SmtpTls.None };

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
