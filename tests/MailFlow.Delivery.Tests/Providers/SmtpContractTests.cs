using System.Net;
using System.Text;
using MailFlow.Data;
using MailFlow.Delivery.Tests.Smtp;
using MailFlow.Testing;
using static MailFlow.Delivery.Tests.Smtp.ScriptedSmtpServer;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class SmtpContractTests : WireContract
{
    private static readonly string[] OwnNetwork = ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "::1"];

    private protected override Task<Rig> StartAsync(Trouble trouble = Trouble.None) => Task.FromResult(Start(trouble switch
    {
        Trouble.ResetBeforeBody => [("BODY", Drop)],
        Trouble.ResetAfterBody => [("DOT", Drop)],
        Trouble.Stall => [("DOT", ScriptedSmtpServer.Stall)],
        _ => [],
    }));

    [Theory]
    [InlineData("RCPT", "550 5.1.1 no such user", typeof(HandOver.Rejected), null)]
    [InlineData("RCPT", "452 4.2.2 mailbox full", typeof(HandOver.Deferred), null)]
    [InlineData("RCPT", "451 4.7.1 greylisted", typeof(HandOver.Deferred), null)]
    [InlineData("RCPT", "554 5.7.1 <ada@example.org>: Relay access denied", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData("MAIL", "550 5.1.8 sender's domain not found", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData("MAIL", "550 mailbox unavailable", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData("DOT", "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: hello@shop.example", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData("DOT", "554 5.7.1 The message contains a URL on a blacklist (Spamhaus DBL)", typeof(HandOver.Rejected), null)]
    [InlineData("MAIL", "421 4.7.0 too many connections", typeof(HandOver.Deferred), null)]
    [InlineData("DOT", "552 5.3.4 too big", typeof(HandOver.Rejected), null)]
    [InlineData("DOT", "554 5.7.1 message looks like spam", typeof(HandOver.Rejected), null)]
    [InlineData("DOT", "550 5.7.515 Access denied, sending domain shop.example does not meet the required authentication level", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData("DOT", "550 5.7.26 This mail has been blocked because the sender is unauthenticated.", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData("DOT", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData("GREETING", "554 5.7.1 you are on our blocklist", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData("GREETING", "421 4.3.2 closed", typeof(HandOver.Deferred), null)]
    [InlineData("AUTH", "535 5.7.8 credentials refused", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData("AUTH", "454 4.7.0 later", typeof(HandOver.Deferred), null)]
    public async Task Each_refusal_is_told_by_whose_fault_it_is(string step, string reply, Type expected, FaultScope? stops)
    {
        await using var rig = Start([(step, reply)]);
        var answer = await rig.Provider.SendAsync(Mails.Marketing(), default);
        Assert.Equal((expected, stops), (answer.GetType(), (answer as HandOver.SenderFault)?.Stops));
        if (answer is HandOver.Rejected rejected) Assert.Equal(step == "RCPT" ? BounceKind.Hard : BounceKind.MessageSoft, rejected.Bounce);
        Assert.DoesNotContain("very-secret", answer.ToString());
        if (answer is HandOver.Deferred deferred) Assert.Equal(reply.StartsWith("421", StringComparison.Ordinal) || step == "AUTH", deferred.IsProviders);
    }

    [Theory]
    [InlineData("DOT", "550 5.7.28 unusual rate of mail")]
    [InlineData("MAIL", "550 5.4.5 Daily SMTP relay sending limit exceeded for this user.")]
    [InlineData("RCPT", "550 5.7.1 Daily SMTP relay limit exceeded for customer.")]
    [InlineData("RCPT", "550 Domain shop.example has exceeded the max emails per hour (500/500 (100%)) allowed. Message discarded.")]
    [InlineData("GREETING", "554 5.7.0 too many connections from your network")]
    public async Task What_is_too_much_for_the_relay_is_put_off_as_its_trouble(string step, string reply)
    {
        // Seen red: refused for good, or the connection was stopped.
        await using var rig = Start([(step, reply)]);
        var answer = Assert.IsType<HandOver.Deferred>(await rig.Provider.SendAsync(Mails.Marketing(), default));
        Assert.True(answer.IsProviders);
    }

    [Fact]
    public async Task Each_mail_has_a_return_path_with_its_id()
    {
        await using var rig = Start([], out var server);
        await rig.Provider.SendAsync(Mails.Marketing(), default);
        Assert.Contains(server.Commands, command => command.StartsWith($"MAIL FROM:<bounce+{Mails.Marketing().MessageId:n}@mail.shop.example>", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_relay_in_our_own_network_is_dialled_for_the_operator_only()
    {
        await using var server = new ScriptedSmtpServer();
        foreach (var host in OwnNetwork)
        {
            if (IPAddress.TryParse(host, out _))
            {
                Assert.Equal("host", Assert.Throws<InvalidInputException>(() => ProviderKinds.Of("smtp").Open(Settings(host, server.Port))).Field);
                continue;
            }
            var provider = ProviderKinds.Of("smtp").Open(Settings(host, server.Port));
            Assert.Contains("public internet", Assert.IsType<HandOver.Deferred>(await provider.SendAsync(Mails.Marketing(), default)).Reason);
            await ((IAsyncDisposable)provider).DisposeAsync();
        }
        Assert.Equal(0, server.Connections);
    }

    [Theory]
    [InlineData("host", "no host")]
    [InlineData("port", "70000")]
    [InlineData("port", "many")]
    [InlineData("max_connections", "0")]
    [InlineData("return_path", "bounce")]
    [InlineData("return_path", "bounces-of-the-whole-company-and-more@example.com")]
    [InlineData("helo_name", "a b")]
    [InlineData("trusted_certificate_sha256", "abc")]
    [InlineData("password", "")]
    public void A_setting_that_cannot_be_used_is_named(string name, string value)
    {
        var settings = new Dictionary<string, string> { ["host"] = "relay.example", ["user"] = "u", ["password"] = "p", [name] = value };
        Assert.Equal(name, Assert.Throws<InvalidInputException>(() => ProviderKinds.Of("smtp").Open(new ConnectionSettings(settings))).Field);
    }

    private static Rig Start((string, string)[] script) => Start(script, out _);

    private static Rig Start((string, string)[] script, out ScriptedSmtpServer server)
    {
        var (time, scripted) = (new FakeTime(), new ScriptedSmtpServer(script));
        server = scripted;
        return new Rig
        {
            Provider = ProviderKinds.Of("smtp", time, new DeliveryOptions { AllowPrivateRelays = true }).Open(Settings("127.0.0.1", scripted.Port)),
            Time = time,
            Patience = TimeSpan.FromSeconds(600),
            TakenAsync = () => Task.FromResult<IReadOnlyList<TakenByProvider>>([.. scripted.Mails.Select(Read)]),
            ReachedAsync = () => scripted.ReachedAsync("DOT"),
            Stop = scripted.DisposeAsync,
        };

        TakenByProvider Read(string mail)
        {
            var (headers, html, text) = ReadMime.Of(Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(mail.Replace("\r\n..", "\r\n.", StringComparison.Ordinal))));
            var to = scripted.Commands.Last(command => command.StartsWith("RCPT TO:<", StringComparison.Ordinal))[9..].Split('>')[0];
            return new TakenByProvider(to, headers["From"], headers["Subject"], html, text, Guid.Parse(headers["X-MailFlow-Message"]), headers);
        }
    }

    private static ConnectionSettings Settings(string host, int port) => new(new Dictionary<string, string>
    {
        ["host"] = host,
        ["port"] = $"{port}",
        ["tls"] = "none",
        ["return_path"] = "bounce@mail.shop.example",
        // Signing in without TLS is for this machine only.
        ["user"] = host is "127.0.0.1" or "localhost" or "::1" ? "mailflow" : "",
        ["password"] = host is "127.0.0.1" or "localhost" or "::1" ? "very-secret" : "",
    });
}
