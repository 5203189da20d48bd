using System.Text.Json;
using Confluent.Kafka;
using MailFlow.Testing;

namespace MailFlow.Ingestion.Tests;

/// <summary>Many events by Kafka while nodes and brokers fall and come.</summary>
public sealed class KafkaUnderFireTests
{
    private const int Events = 50_000, Contacts = 1_000, Partitions = 12, Fallen = 1;
    private const string Topic = "marketing.events", DeadLetters = "marketing.events.dlq";
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Of_50000_events_none_is_lost_or_handled_twice_or_out_of_order_though_a_node_is_killed_one_added_and_a_broker_down()
    {
        using var kafka = new MockKafka();
        kafka.CreateTopic(Topic, Partitions);
        kafka.CreateTopic(DeadLetters, 1);
        kafka.Coordinate("mailflow", Fallen); // the group has no coordinator while it is down
        await using var nodes = await Nodes.CreateAsync();
        (string, string)[] settings = [("Transport", "kafka"), ("Kafka__BootstrapServers", kafka.BootstrapServers)];
        var first = await nodes.StartAsync(settings);
        await Nodes.PublishAsync(first);
        var doomed = await nodes.StartAsync(settings);

        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = kafka.BootstrapServers, EnableIdempotence = true, QueueBufferingMaxMessages = Events }).Build();
        Send(producer, 0, Events / 2);
        await IngestionHost.UntilAsync(async () => await TakenAsync(nodes) >= Events / 5, "the first fifth");
        Send(producer, Events / 2, Events);
        doomed.Kill();
        kafka.Down(Fallen);
        var outage = Task.Delay(Outage, TimeProvider.System);
        var added = await nodes.StartAsync(settings);
        await outage;
        kafka.Up(Fallen);
        producer.Flush();

        await IngestionHost.UntilAsync(async () => await nodes.CountAsync("SELECT count(*) FROM event") >= Events, "all events", TimeSpan.FromMinutes(3));
        await IngestionHost.UntilAsync(() => Task.FromResult(IsCommitted(kafka)), "the commits");
        await first.StopAsync();
        await added.StopAsync();

        var handled = await nodes.HandledAsync();
        Assert.Equal(Events, handled.Count);
        Assert.Equal(Events, await nodes.CountAsync("SELECT count(*) FROM instance"));
        foreach (var contact in handled.GroupBy(each => each.User))
            Assert.Equal(Enumerable.Range(0, Events / Contacts).Select(turn => (turn * Contacts) + int.Parse(contact.Key)), contact.Select(each => int.Parse(each.Event)));
    }

    private static Task<long> TakenAsync(Nodes nodes) => nodes.CountAsync("SELECT count(*) FROM event_key");

    /// <summary>The contacts in turn: contact n has the events n, n + 1,000, n + 2,000 …</summary>
    private static void Send(IProducer<string, byte[]> producer, int from, int to)
    {
        for (var i = from; i < to; i++)
            producer.Produce(Topic, new() { Key = $"{i % Contacts}", Value = JsonSerializer.SerializeToUtf8Bytes(new { event_id = $"{i}", event_type = "tested", user_id = $"{i % Contacts}" }) });
    }

    /// <summary>Whether the group has committed all of it. The cluster must have let nothing go, or it would prove nothing, and nothing is among the dead letters.</summary>
    private static bool IsCommitted(MockKafka kafka)
    {
        var patience = TimeSpan.FromSeconds(20);
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = kafka.BootstrapServers, GroupId = "mailflow" }).Build();
        var partitions = Enumerable.Range(0, Partitions).Select(number => new TopicPartition(Topic, number)).ToList();
        var ends = partitions.ConvertAll(partition => consumer.QueryWatermarkOffsets(partition, patience));
        Assert.All(ends, end => Assert.Equal(0, end.Low.Value));
        Assert.Equal(Events, ends.Sum(end => end.High.Value));
        Assert.Equal(0, consumer.QueryWatermarkOffsets(new(DeadLetters, 0), patience).High.Value);
        return ends.ConvertAll(end => end.High.Value).SequenceEqual(consumer.Committed(partitions, patience).ConvertAll(place => place.Offset.Value));
    }
}
