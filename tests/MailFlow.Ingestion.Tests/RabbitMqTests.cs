using System.Text.Json;
using MailFlow.Testing;

namespace MailFlow.Ingestion.Tests;

/// <summary>One broker for the tests of a class, with a queue for each.</summary>
public sealed class RabbitMqFixture : IAsyncLifetime
{
    public RabbitMqServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RabbitMqServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();

    internal IngestionOptions Options(string queue) => new() { Transport = "rabbitmq", RabbitMq = new() { Host = "127.0.0.1", Port = Server.Port, Queue = queue } };
}

/// <summary>Events by a real RabbitMQ, published with RabbitMQ's own tool.</summary>
public sealed class RabbitMqTests(RabbitMqFixture fixture) : IClassFixture<RabbitMqFixture>
{
    private RabbitMqServer Server => fixture.Server;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_is_taken_by_the_exchange_and_by_the_queues_name_once_whatever_its_content_type(DatabaseKind kind)
    {
        var queue = $"taken.{kind}";
        await using var node = await IngestionHost.StartAsync(kind, fixture.Options(queue));
        await IngestionHost.UntilAsync(async () => await Server.CountAsync(queue) is not null, "the queue");

        await Server.PublishAsync(queue, "", Event("a", "ada"));
        await Server.PublishAsync("amq.default", queue, Event("b", "ada"), """{"content_type":"text/plain"}""");
        await Server.PublishAsync(queue, "any.key", Event("a", "ada"), """{"content_type":"application/vnd.masstransit+json"}""");
        await Server.PublishAsync(queue, "", Event("c", "bob"), """{"content_type":"not one","headers":{"account_id":2}}""");

        Assert.Equal(["a", "b", "c"], await node.EventsAsync(3));
        Assert.All(await IngestionHost.InboxAsync(node.Database), each => Assert.Equal(1, each.Account));
        await IngestionHost.UntilAsync(async () => await Server.CountAsync(queue) == 0, "the acknowledgements");
        Assert.Equal(0, await Server.CountAsync(queue + ".dlq"));
    }

    private static string Event(string id, string user) => JsonSerializer.Serialize(new { event_id = id, event_type = "tested", user_id = user });
}
