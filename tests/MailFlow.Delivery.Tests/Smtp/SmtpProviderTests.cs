using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>From the ledger to a real SMTP server.</summary>
public sealed class SmtpProviderTests
{
    [Fact]
    public async Task A_queued_mail_arrives_with_its_headers_and_the_relays_name_for_it_is_kept()
    {
        await using var server = await RealSmtpServer.StartAsync();
        await using var provider = Provider(server.Port);
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite, provider);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();

        var mail = Assert.Single(await server.MailsAsync(1));
        Assert.Equal(("hello@shop.example", "Welcome ada", $"<{id:n}@shop.example>"), (mail.MailFrom, mail.Subject, mail.MessageId));
        Assert.Equal(["ada@example.org"], mail.RcptTo);
        Assert.Equal("Shop", mail.FromName);
        Assert.Equal("List-Unsubscribe=One-Click", mail.Header("List-Unsubscribe-Post"));
        Assert.StartsWith("<https://mail.example.org/unsubscribe/", mail.Header("List-Unsubscribe"));
        Assert.Equal(id.ToString(), mail.Header("X-MailFlow-Message"));
        var message = await fixture.FindAsync(id);
        Assert.Equal((MessageState.Accepted, "smtp", mail.Session), (message.State, message.Provider, message.ProviderId));
    }

    [Fact]
    public async Task Where_no_relay_listens_the_mail_is_put_off_and_nothing_is_unknown()
    {
        var server = await RealSmtpServer.StartAsync();
        await using var provider = Provider(server.Port);
        await server.DisposeAsync();
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite, provider);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();

        Assert.Equal(MessageState.Deferred, (await fixture.StateAsync(id)).State);
    }

    [Fact]
    public async Task Configuration_chooses_it()
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        fixture.Start(options: fixture.Options with { Provider = "smtp", Smtp = new SmtpOptions { Host = "relay.example", MaxConnections = 6 } });
        var provider = fixture.Get<IEmailProvider>();
        Assert.Equal(("smtp", ReplayPolicy.Neither, 3), (provider.Name, provider.Replay, provider.Concurrency));
    }

    private static SmtpProvider Provider(int port) => new(
        new DeliveryOptions { Provider = "smtp", Smtp = new SmtpOptions { Host = "127.0.0.1", Port = port, Tls = SmtpTls.None } }, TimeProvider.System);
}
