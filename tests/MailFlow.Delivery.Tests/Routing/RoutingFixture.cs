using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Routing;

/// <summary>A sender with connections of the account's own, and a log of what each took and when.</summary>
internal sealed class RoutingFixture : IAsyncDisposable
{
    private readonly StubProviderType _type = new();

    private RoutingFixture(DeliveryFixture delivery) => Delivery = delivery;

    public DeliveryFixture Delivery { get; }

    /// <summary>What left, in order: when (Unix milliseconds), by which connection, to whom.</summary>
    public List<(long At, string Connection, string To)> Log { get; } = [];

    public static async Task<RoutingFixture> CreateAsync(DatabaseKind kind, DeliveryOptions? options = null)
    {
        var fixture = new RoutingFixture(await DeliveryFixture.CreateAsync(kind));
        fixture.Start(options);
        return fixture;
    }

    /// <summary>A process of its own on the same database, as a second node would be.</summary>
    public MessageSender Start(DeliveryOptions? options = null, Action<IServiceCollection>? services = null) => Delivery.Start(options: options ?? Delivery.Options, services: with =>
    {
        with.AddSingleton<IProviderType>(_type);
        services?.Invoke(with);
    });

    public IReadOnlyList<ConnectionSettings> Opened => _type.Opened;

    public async Task<StubProvider> ConnectAsync(string key, ReplayPolicy replay = ReplayPolicy.Idempotent, ConnectionDraft? draft = null)
    {
        var stub = new StubProvider(replay) { Concurrency = 50 };
        stub.OnSend = email =>
        {
            lock (Log) Log.Add((Delivery.Now, key, email.To.ToString()));
        };
        _type.Stubs[key] = stub;
        draft ??= new ConnectionDraft();
        await Delivery.Get<Connections>().PutAsync(1, key, draft with { Type = "stub", Settings = new Dictionary<string, string?> { ["stub"] = key } }, default);
        return stub;
    }

    /// <summary>From the next start on, the connection cannot be opened.</summary>
    public void Forget(string key) => _type.Stubs.Remove(key);

    public void Restore(string key, StubProvider stub) => _type.Stubs[key] = stub;

    public async Task<IReadOnlyList<Guid>> QueueAsync(int count, MessageStream stream = MessageStream.Marketing, string? domain = null)
    {
        var ids = new List<Guid>();
        for (var i = 0; i < count; i++)
        {
            var user = $"{stream}-{domain}-{i}".ToLowerInvariant();
            ids.Add(await Delivery.QueueAsync(await Delivery.ContactAsync(user, $"{user.Replace(".", "-", StringComparison.Ordinal)}@{domain ?? "example.org"}"), message => message with { Stream = stream }));
        }
        return ids;
    }

    /// <summary>Lets time pass in steps, the sender at work after each.</summary>
    public async Task RunAsync(TimeSpan time, TimeSpan step)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += step)
        {
            await Delivery.SendAllAsync();
            Delivery.Time.Advance(step);
        }
    }

    public Task<SendingState> StateAsync() => Delivery.Get<SendingOverview>().ReadAsync(1, default);

    public ValueTask DisposeAsync() => Delivery.DisposeAsync();
}
