using System.Text;
using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Testing;
using static MailFlow.Delivery.Tests.Smtp.ScriptedSmtpServer;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>Each way in which a server can misbehave leads to the one result that says what is known of the mail.</summary>
public class SmtpResultTests
{
    private static readonly SmtpEnvelope Envelope = new(EmailAddress.Parse("bounce@mailflow.test"), EmailAddress.Parse("ada@example.org"));
    private static readonly byte[] Mail = Encoding.ASCII.GetBytes("Subject: hello\r\n\r\nHello.\r\n");

    private readonly FakeTime _clock = new();

    [Fact]
    public async Task A_taken_mail_is_accepted_with_the_servers_words_and_queue_id()
    {
        await using var server = new ScriptedSmtpServer();
        await using var client = Client(server);
        var accepted = Assert.IsType<SmtpResult.Accepted>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal("4F2A9C", accepted.QueueId);
        Assert.Equal("250 2.0.0 Ok: queued as 4F2A9C", accepted.Reply);
        Assert.Equal(["EHLO", "MAIL FROM:<bounce@mailflow.test>", "RCPT TO:<ada@example.org>", "DATA"], server.Commands.Select(c => c.StartsWith("EHLO", StringComparison.Ordinal) ? "EHLO" : c));
    }

    [Theory]
    [InlineData("MAIL", SmtpStage.MailFrom)]
    [InlineData("RCPT", SmtpStage.Recipient)]
    [InlineData("DATA", SmtpStage.Data)]
    [InlineData("DOT", SmtpStage.FinalDot)]
    public async Task A_5yz_about_the_mail_rejects_it_and_names_the_stage(string step, object stage)
    {
        await using var server = new ScriptedSmtpServer((step, "550-5.7.1 We do not\r\n550 5.7.1 like this"));
        await using var client = Client(server);
        Assert.Equal(new SmtpResult.Rejected((SmtpStage)stage, 550, "5.7.1", "We do not like this"), await client.SendAsync(Envelope, Mail, default));
    }

    [Theory]
    [InlineData("MAIL", SmtpStage.MailFrom)]
    [InlineData("RCPT", SmtpStage.Recipient)]
    [InlineData("DATA", SmtpStage.Data)]
    [InlineData("DOT", SmtpStage.FinalDot)]
    public async Task A_4yz_defers_the_mail_and_names_the_stage(string step, object stage)
    {
        await using var server = new ScriptedSmtpServer((step, "451 4.3.0 later"));
        await using var client = Client(server);
        Assert.Equal(new SmtpResult.Deferred((SmtpStage)stage, 451, "4.3.0", "later"), await client.SendAsync(Envelope, Mail, default));
    }

    [Theory]
    [InlineData("GREETING", "554 5.3.2 closed", SmtpStage.Greeting, 554)]
    [InlineData("GREETING", "421 4.3.2 closed", SmtpStage.Greeting, 421)]
    [InlineData("EHLO", "550 5.7.1 who are you", SmtpStage.Hello, 550)]
    [InlineData("AUTH", "535 5.7.8 wrong password", SmtpStage.Authenticate, 535)]
    [InlineData("AUTH", "454 4.7.0 try later", SmtpStage.Authenticate, 454)]
    public async Task A_refusal_of_us_defers_the_mail_whatever_its_code(string step, string reply, object stage, int code)
    {
        await using var server = new ScriptedSmtpServer((step, reply));
        await using var client = Client(server, signIn: true);
        var deferred = Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(((SmtpStage)stage, code), (deferred.Stage, deferred.Code));
        Assert.DoesNotContain("secret", deferred.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GREETING", SmtpStage.Greeting)]
    [InlineData("EHLO", SmtpStage.Hello)]
    [InlineData("MAIL", SmtpStage.MailFrom)]
    [InlineData("RCPT", SmtpStage.Recipient)]
    [InlineData("DATA", SmtpStage.Data)]
    public async Task A_connection_lost_before_the_dot_defers_the_mail(string step, object stage)
    {
        await using var server = new ScriptedSmtpServer((step, Drop));
        await using var client = Client(server);
        var deferred = Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(Envelope, Mail, default));
        Assert.Equal(((SmtpStage)stage, null), (deferred.Stage, deferred.Code));
    }

    [Fact]
    public async Task A_connection_lost_while_the_mail_is_being_written_defers_it()
    {
        await using var server = new ScriptedSmtpServer(("BODY", Drop));
        await using var client = Client(server);
        // Too much for the socket's buffers: the writer is still at it when the server leaves.
        var large = Encoding.ASCII.GetBytes("Subject: large\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 900) + "\r\n", 30_000)));
        var deferred = Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(Envelope, large, default));
        Assert.Equal(SmtpStage.Data, deferred.Stage);
    }

    [Fact]
    public async Task A_refused_connection_defers_the_mail()
    {
        int port;
        await using (var server = new ScriptedSmtpServer())
            port = server.Port;
        await using var client = new SmtpClient(Options(port), _clock);
        Assert.Equal(SmtpStage.Connect, Assert.IsType<SmtpResult.Deferred>(await client.SendAsync(Envelope, Mail, default)).Stage);
    }

    [Theory]
    [InlineData("EHLO", SmtpStage.Hello, 30)]
    [InlineData("MAIL", SmtpStage.MailFrom, 120)]
    [InlineData("RCPT", SmtpStage.Recipient, 120)]
    [InlineData("DATA", SmtpStage.Data, 120)]
    public async Task Silence_before_the_dot_defers_the_mail_when_its_time_is_up(string step, object stage, int seconds)
    {
        await using var server = new ScriptedSmtpServer((step, Stall));
        await using var client = Client(server);
        var sending = client.SendAsync(Envelope, Mail, default);
        await server.ReachedAsync(step);
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        var deferred = Assert.IsType<SmtpResult.Deferred>(await sending);
        Assert.Equal(((SmtpStage)stage, null), (deferred.Stage, deferred.Code));
        Assert.Contains($"{seconds} s", deferred.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Drop)]
    [InlineData("what?")]
    [InlineData("354 go on")]
    public async Task No_answer_to_the_dot_makes_the_mail_unknown(string answer)
    {
        await using var server = new ScriptedSmtpServer(("DOT", answer));
        await using var client = Client(server);
        Assert.IsType<SmtpResult.Unknown>(await client.SendAsync(Envelope, Mail, default));
    }

    [Fact]
    public async Task Silence_after_the_dot_makes_the_mail_unknown_after_ten_minutes_and_not_before()
    {
        await using var server = new ScriptedSmtpServer(("DOT", Stall));
        await using var client = Client(server);
        var sending = client.SendAsync(Envelope, Mail, default);
        await server.ReachedAsync("DOT");
        _clock.Advance(TimeSpan.FromSeconds(599));
        Assert.False(sending.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("600 s", Assert.IsType<SmtpResult.Unknown>(await sending).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelled_before_the_dot_it_throws_and_the_mail_does_not_reach_its_dot()
    {
        await using var server = new ScriptedSmtpServer(("RCPT", Stall));
        await using var client = Client(server);
        using var stop = new CancellationTokenSource();
        var sending = client.SendAsync(Envelope, Mail, stop.Token);
        await server.ReachedAsync("RCPT");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Empty(server.Mails);
    }

    [Fact]
    public async Task Cancelled_after_the_dot_it_waits_ten_seconds_for_the_reply_before_it_gives_the_mail_up_as_unknown()
    {
        await using var server = new ScriptedSmtpServer(("DOT", Stall));
        await using var client = Client(server);
        using var stop = new CancellationTokenSource();
        var sending = client.SendAsync(Envelope, Mail, stop.Token);
        await server.ReachedAsync("DOT");
        await stop.CancelAsync();
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(sending.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("stopped", Assert.IsType<SmtpResult.Unknown>(await sending).Reason, StringComparison.Ordinal);
    }

    private SmtpClient Client(ScriptedSmtpServer server, bool signIn = false) => new(Options(server.Port) with
    {
        UserName = signIn ? "mailflow" : null,
        Password = signIn ? "secret" : null,
    }, _clock);

    private static SmtpOptions Options(int port) => new() { Host = "127.0.0.1", Port = port, Tls = SmtpTls.None };
}
