using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>An account that sends by a connection of its own, whose provider reports to us.</summary>
internal sealed class FeedbackFixture : IAsyncDisposable
{
    public const string Key = "a key that calls are signed with";
    private int _reports;

    private FeedbackFixture(DeliveryFixture delivery, ReportingProvider type) => (Delivery, Type) = (delivery, type);

    public DeliveryFixture Delivery { get; }

    public ReportingProvider Type { get; }

    public Connection Connection { get; private set; } = null!;

    public DateTimeOffset Now => Delivery.Time.GetUtcNow();

    public static async Task<FeedbackFixture> CreateAsync(DatabaseKind kind, StubProvider? provider = null)
    {
        var fixture = new FeedbackFixture(await DeliveryFixture.CreateAsync(kind), new ReportingProvider(provider));
        fixture.Start();
        fixture.Connection = await fixture.ConnectAsync(1);
        return fixture;
    }

    public void Start(IFaultPoints? faults = null, Action<IServiceCollection>? services = null) => Delivery.Start(faults, services: with =>
    {
        with.AddSingleton<IProviderType>(Type);
        services?.Invoke(with);
    });

    public Task<Connection> ConnectAsync(int account, string key = "main") => Delivery.Get<Connections>().PutAsync(
        account, key, new ConnectionDraft("reporting", Settings: new Dictionary<string, string?> { ["key"] = Key }), default);

    /// <summary>A mail to this contact that was handed over and accepted.</summary>
    public async Task<Guid> SentAsync(string user = "ada", Func<PlannedMessage, PlannedMessage>? with = null, string? email = "?")
    {
        var id = await Delivery.QueueAsync(await Delivery.ContactAsync(user, email), with);
        await Delivery.SendAllAsync();
        return id;
    }

    public StubReport Report(FeedbackKind kind, Guid? message, DateTimeOffset? at = null, string? url = null, string? agent = null, BounceKind? bounce = null, string? reason = null,
        ReportedFault? fault = null) => new($"report-{++_reports}", kind, at ?? Now, message, Bounce: bounce, Reason: reason, Url: url, Agent: agent, Fault: fault);

    public WebhookCall Call(byte[] body, string? signature = null) =>
        new(new Dictionary<string, string> { [ReportingProvider.Header] = signature ?? ReportingProvider.Sign(body, Key) }, new Dictionary<string, string>(), body, Now);

    public Task<WebhookAnswer> TakeAsync(params StubReport[] reports) => TakeAsync(ReportingProvider.Write(reports));

    public Task<WebhookAnswer> TakeAsync(byte[] body, Connection? connection = null) =>
        Delivery.Get<Webhooks>().TakeAsync("reporting", (connection ?? Connection).Id, Call(body), default);

    /// <summary>Takes reports in and works off all that is due.</summary>
    public async Task ReportAsync(params StubReport[] reports)
    {
        Assert.Equal(WebhookAnswer.Taken, await TakeAsync(reports));
        await WorkAsync();
    }

    public async Task WorkAsync()
    {
        for (var round = 0; round < 100; round++)
            if (await Delivery.Get<FeedbackProcessor>().RunOnceAsync(default) == 0) return;
        throw new InvalidOperationException("The processor does not come to rest.");
    }

    /// <summary>Lets opens and clicks be judged.</summary>
    public async Task SettleAsync()
    {
        Delivery.Time.Advance(TimeSpan.FromSeconds(11));
        await WorkAsync();
    }

    public async Task<MessageFeedback?> FeedbackAsync(Guid id) => (await Delivery.FindAsync(id)).Feedback;

    public async Task<IReadOnlyList<Suppression>> SuppressionsAsync(string email) => await Delivery.Get<Suppressions>().OfAsync(1, email, default);

    public Task<long> CountAsync(string sql) => Delivery.Database.ReadAsync(session => session.ScalarAsync<long>(sql, default), default);

    /// <summary>The contact's events that wait for the engine, by type and payload.</summary>
    public async Task<List<(string Type, IReadOnlyDictionary<string, object?> Payload)>> EventsAsync() => await Delivery.Database.ReadAsync(session => session.QueryAsync(
        "SELECT body FROM inbox WHERE kind = 1 ORDER BY id", row =>
        {
            var body = JsonData.ParseMap(row.Text(0));
            return ((string)body["event_type"]!, (IReadOnlyDictionary<string, object?>)body["payload"]!);
        }, default), default);

    public static PlannedMessage Transactional(PlannedMessage message) => message with { Stream = MessageStream.Transactional };

    public ValueTask DisposeAsync() => Delivery.DisposeAsync();
}
