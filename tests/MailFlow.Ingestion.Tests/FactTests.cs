using System.Text;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using MailFlow.Data;
using MailFlow.Engine.Facts;
using MailFlow.Testing;
using RabbitMQ.Client;

namespace MailFlow.Ingestion.Tests;

/// <summary>Facts out, by Kafka's protocol and by a real RabbitMQ, read by their own clients.</summary>
public sealed class FactTests(RabbitMqFixture fixture) : IClassFixture<RabbitMqFixture>
{
    private const string Started = "journey.instance.started", Completed = "journey.instance.completed";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Facts_are_on_kafkas_topic_keyed_by_the_contact_in_its_order_through_a_broker_that_was_away(DatabaseKind kind)
    {
        using var kafka = new MockKafka(brokers: 1);
        foreach (var topic in new[] { "marketing.events", "marketing.events.dlq" }) kafka.CreateTopic(topic, 1);
        kafka.CreateTopic("marketing.facts", 4);
        await using var node = await IngestionHost.StartAsync(kind, new() { Transport = "kafka", Kafka = new() { BootstrapServers = kafka.BootstrapServers }, Facts = ["*"] });
        await AskedAsync(node.Database);
        var told = await TellAsync(node.Database, 0, 20);
        await PublishedAsync(node.Database);
        kafka.Down(1);
        told.AddRange(await TellAsync(node.Database, 20, 20));
        kafka.Up(1);
        await PublishedAsync(node.Database);

        using var consumer = new ConsumerBuilder<string, string>(new ConsumerConfig { BootstrapServers = kafka.BootstrapServers, GroupId = "reader" }).Build();
        consumer.Assign(Enumerable.Range(0, 4).Select(partition => new TopicPartitionOffset("marketing.facts", partition, Offset.Beginning)));
        var read = new List<ConsumeResult<string, string>>();
        while (read.DistinctBy(each => Header(each, "mailflow-fact-id")).Count() < told.Count) read.Add(consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException($"{read.Count} of {told.Count}"));

        Assert.Equal(told.Select(fact => fact.Id.ToString()).Order(), read.Select(each => Header(each, "mailflow-fact-id")).Distinct().Order());
        Assert.All(read, each => Assert.Equal(each.Message.Key, JsonNode.Parse(each.Message.Value)!["data"]!["user_id"]!.GetValue<string>()));
        Assert.All(read, each => Assert.Equal((Header(each, "mailflow-fact-id"), Header(each, "mailflow-fact-type")), (JsonNode.Parse(each.Message.Value)!["id"]!.GetValue<string>(), JsonNode.Parse(each.Message.Value)!["type"]!.GetValue<string>())));
        foreach (var contact in read.DistinctBy(each => Header(each, "mailflow-fact-id")).GroupBy(each => each.Message.Key))
            Assert.Equal(told.Where(fact => fact.UserId == contact.Key).Select(fact => fact.Id.ToString()), contact.Select(each => Header(each, "mailflow-fact-id")));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Facts_reach_the_queues_of_rabbitmq_that_are_bound_to_their_type_in_order_and_survive_a_restart_of_the_broker(DatabaseKind kind)
    {
        var options = fixture.Options($"facts-in.{kind}");
        options = options with { Facts = [Started, Completed], RabbitMq = options.RabbitMq with { FactExchange = $"facts.{kind}" } };
        var (all, some) = ($"all.{kind}", $"some.{kind}");
        await BindAsync(options.RabbitMq.FactExchange, (all, "journey.#"), (some, Completed));
        await using var node = await IngestionHost.StartAsync(kind, options);
        await AskedAsync(node.Database);
        var told = await TellAsync(node.Database, 0, 10);
        await PublishedAsync(node.Database);
        await fixture.Server.StopAsync();
        told.AddRange(await TellAsync(node.Database, 10, 10));
        await fixture.Server.StartAgainAsync();
        await PublishedAsync(node.Database);

        var read = (await fixture.Server.TakeAsync(all)).Select(message => (Id: message.Headers["mailflow-fact-id"]!.GetValue<string>(), Type: JsonNode.Parse(message.Payload)!["type"]!.GetValue<string>())).DistinctBy(each => each.Id).ToList();
        Assert.Equal(told.Select(fact => fact.Id.ToString()), read.Select(each => each.Id));
        Assert.Equal(told.Where(fact => fact.Type == Completed).Select(fact => fact.Id.ToString()), (await fixture.Server.TakeAsync(some)).Select(message => message.Headers["mailflow-fact-id"]!.GetValue<string>()).Distinct());
    }

    [Fact]
    public async Task A_type_that_nobody_tells_stops_the_start_and_names_the_setting()
    {
        using var kafka = new MockKafka(brokers: 1);
        var options = new IngestionOptions { Transport = "kafka", Kafka = new() { BootstrapServers = kafka.BootstrapServers }, Facts = ["message.eaten"] };
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => IngestionHost.StartAsync(DatabaseKind.Sqlite, options));
        Assert.Equal("MailFlow:Ingestion:Facts", error.Field);
    }

    // Seen red: without a transport nobody took back what was asked for.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Without_a_broker_nothing_is_written_down_for_one_that_there_was(DatabaseKind kind)
    {
        await using var test = await IngestionHost.CreateDatabaseAsync(kind);
        await test.Database.WriteAsync(session => FactInterest.SetAsync(session, 2, FactConsumer.Bus, [FactInterest.AllTypes], default), default);
        await using var node = await IngestionHost.StartAsync(test.Database, new());
        await IngestionHost.UntilAsync(async () => await test.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM fact_interest", default), default) == 0, "the interest to end", TimeSpan.FromSeconds(10));
    }

    /// <summary>Until the node has said what it wants.</summary>
    private static Task AskedAsync(Database database) => IngestionHost.UntilAsync(
        async () => await database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM fact_interest", default), default) > 0, "the bus's interest");

    /// <summary>Two facts of each contact, as a batch of the engine writes them.</summary>
    private static async Task<List<Fact>> TellAsync(Database database, int first, int count)
    {
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var facts = Enumerable.Range(first, count).Select(i => new Fact(1, i % 2 == 0 ? Started : Completed, at, i / 2 % 5, $"user-{i / 2 % 5}", new Dictionary<string, object?> { ["number"] = (long)i })).ToList();
        await database.WriteAsync(async session => await Outbox.WriteAsync(session, await FactInterest.OfAsync(session, [1], default), facts, default), default);
        return facts;
    }

    private static Task PublishedAsync(Database database) => IngestionHost.UntilAsync(
        async () => await database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM fact WHERE to_bus", default), default) == 0, "the facts to be published");

    private async Task BindAsync(string exchange, params (string Queue, string Key)[] queues)
    {
        var factory = new ConnectionFactory { HostName = "127.0.0.1", Port = fixture.Server.Port };
        await using var connection = await factory.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync(exchange, ExchangeType.Topic, durable: true);
        foreach (var (queue, key) in queues)
        {
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
            await channel.QueueBindAsync(queue, exchange, key);
        }
    }

    private static string Header(ConsumeResult<string, string> record, string name) => Encoding.UTF8.GetString(record.Message.Headers.GetLastBytes(name));
}
