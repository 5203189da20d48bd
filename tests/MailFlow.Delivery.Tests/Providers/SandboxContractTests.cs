using MailFlow.Data;
using MailFlow.Delivery.Providers.Http;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class SandboxContractTests : ProviderContract
{
    private protected override async Task<Rig> StartAsync(Trouble trouble = Trouble.None)
    {
        var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        var time = new FakeTime();
        var type = ProviderKinds.All(time, new ProviderHttp(time), new DeliveryOptions(), database: fixture.Get<Database>()).Single(type => type.Name == "sandbox");
        Assert.Empty(type.Settings);
        Assert.Null(type.Webhook);
        return new Rig
        {
            Provider = type.Open(new ConnectionSettings(new Dictionary<string, string>())),
            Time = time,
            TakenAsync = async () => [.. (await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 100, default)).Items.Select(mail => new TakenByProvider(
                mail.To, mail.From, mail.Subject, mail.Html, mail.Text, mail.Id, mail.Headers.ToDictionary(header => header.Key, header => (string)header.Value!)))],
            ReachedAsync = () => Task.CompletedTask,
            Stop = fixture.DisposeAsync,
        };
    }

    [Fact]
    public async Task The_same_key_again_is_taken_once()
    {
        await using var rig = await StartAsync();
        Assert.Equal(ReplayPolicy.Idempotent, rig.Provider.Replay);
        Assert.IsType<HandOver.Accepted>(await rig.Provider.SendAsync(Mails.Marketing(), default));
        Assert.IsType<HandOver.Accepted>(await rig.Provider.SendAsync(Mails.Marketing() with { Attempt = 2 }, default));
        Assert.Single(await rig.TakenAsync());
    }

    [Fact]
    public async Task In_bulk_each_mail_has_its_own_answer()
    {
        await using var rig = await StartAsync();
        var answers = await ((IBulkEmailProvider)rig.Provider).SendManyAsync([Mails.Marketing(1), Mails.Marketing(2) with { Subject = "a\r\nBcc: x" }, Mails.Marketing(3)], default);
        Assert.Equal([typeof(HandOver.Accepted), typeof(HandOver.Rejected), typeof(HandOver.Accepted)], answers.Select(answer => answer.GetType()));
        Assert.Equal(2, (await rig.TakenAsync()).Count);
    }
}
