using System.Text;
using Confluent.Kafka;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Npgsql;
using static MailFlow.Ingestion.Tests.Messages;

namespace MailFlow.Ingestion.Tests;

/// <summary>Events by Kafka's protocol, from the mock cluster that librdkafka carries.</summary>
public sealed partial class KafkaTests : IDisposable
{
    private const int Partitions = 4;
    private const string Topic = "marketing.events", DeadLetters = "marketing.events.dlq";

    private readonly MockKafka _kafka = new();
    private readonly IProducer<string, byte[]> _producer;

    public KafkaTests()
    {
        _kafka.CreateTopic(Topic, Partitions);
        _kafka.CreateTopic(DeadLetters, 1);
        _producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = _kafka.BootstrapServers }).Build();
    }

    private IngestionOptions Options => new() { Transport = "kafka", Kafka = new() { BootstrapServers = _kafka.BootstrapServers } };

    public void Dispose()
    {
        _producer.Dispose();
        _kafka.Dispose();
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_is_taken_once_and_its_offset_committed_after(DatabaseKind kind)
    {
        await SendAsync("ada", Bytes("a"));
        await using (var node = await IngestionHost.StartAsync(kind, Options))
        {
            await SendAsync("ada", Bytes("b"));
            await SendAsync("ada", Bytes("a"));
            await SendAsync("ada", Bytes("c"));

            Assert.Equal(["a", "b", "c"], await node.EventsAsync(3));
            await node.StopAsync();
        }
        Assert.Equal(4, Committed());
    }

    [Fact]
    public async Task What_is_no_event_is_a_dead_letter_that_says_why_and_where_it_was_and_stops_none_beside_it()
    {
        await using var node = await IngestionHost.StartAsync(DatabaseKind.PostgreSql, Options);
        byte[][] bodies = [Bytes("before"), .. Poison.Select(each => Encoding.UTF8.GetBytes(each.Body)), TooLarge, [], [0xff, 0xfe], Bytes("after")];
        var places = new List<TopicPartitionOffset>();
        foreach (var body in bodies) places.Add((await SendAsync("ada", body)).TopicPartitionOffset);

        Assert.Equal(["before", "after"], await node.EventsAsync(2));
        var dead = Read(DeadLetters, Poison.Count + 3);

        Assert.Equal(
            [.. Poison.Select(each => $"{each.Field}: {each.Reason}"), "event: is larger than 256 kB", "event: is empty", "event: is not valid UTF-8"],
            dead.Select(each => $"{Header(each, "mailflow-field")}: {Header(each, "mailflow-reason")}"));
        Assert.Equal(
            places[1..^1].Select(place => (place.Topic, $"{place.Partition.Value}", $"{place.Offset.Value}", "ada")),
            dead.Select(each => (Header(each, "mailflow-topic")!, Header(each, "mailflow-partition")!, Header(each, "mailflow-offset")!, Encoding.UTF8.GetString(each.Message.Key))));
        Assert.Equal(Poison.Select(each => each.Body), dead.Take(Poison.Count).Select(each => Encoding.UTF8.GetString(each.Message.Value)));
        Assert.Equal((16 * 1024, $"{TooLarge.Length} bytes"), (dead[Poison.Count].Message.Value.Length, Header(dead[Poison.Count], "mailflow-cut-from")!));
        await node.StopAsync();
        Assert.Equal(bodies.Length, Committed());
    }

    /// <summary>As after an unclean election. To the client that is fatal: it sends nothing ever again.</summary>
    // Seen red: the node kept that client.
    [Fact]
    public async Task A_dead_letter_that_the_broker_refuses_once_out_of_sequence_stops_nothing_for_good()
    {
        const int OutOfOrderSequence = 45;
        await SendAsync("ada", "no json"u8.ToArray());
        _kafka.RefuseOnce(OutOfOrderSequence);
        await using var node = await IngestionHost.StartAsync(DatabaseKind.PostgreSql, Options);

        Assert.Equal("no json", Encoding.UTF8.GetString(Read(DeadLetters, 1)[0].Message.Value));
        await SendAsync("ada", Bytes("after"));
        Assert.Equal(["after"], await node.EventsAsync(1));
    }

    /// <summary>Read again after the horizon, such an event would otherwise be a new one.</summary>
    [Fact]
    public async Task An_event_without_a_timestamp_is_as_old_as_its_record()
    {
        await using var node = await IngestionHost.StartAsync(DatabaseKind.Sqlite, Options);
        var old = TimeProvider.System.GetUtcNow().AddDays(-31).ToUnixTimeMilliseconds();
        await _producer.ProduceAsync(Topic, new() { Key = "ada", Value = Bytes("old"), Timestamp = new Timestamp(old, TimestampType.CreateTime) });
        await SendAsync("ada", Bytes("new"));

        Assert.Equal(["new"], await node.EventsAsync(1));
        Assert.Equal("is too old: events are taken for 30 days", Header(Read(DeadLetters, 1)[0], "mailflow-reason"));
    }

    // Seen red: the node's own clock judged.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task How_old_an_event_is_goes_by_the_databases_clock_though_this_nodes_is_set_wrong(DatabaseKind kind)
    {
        var time = new FakeTime();
        await using var test = await IngestionHost.CreateDatabaseAsync(kind, time);
        await using var node = await IngestionHost.StartAsync(test.Database, Options);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await SendNowAsync("first");
        await node.EventsAsync(1);

        time.Step(TimeSpan.FromDays(-2));
        await SendNowAsync("second");

        Assert.Equal(["first", "second"], await node.EventsAsync(2));

        Task SendNowAsync(string id) => SendAsync("ada", Encoding.UTF8.GetBytes($$"""{"event_id":"{{id}}","event_type":"tested","user_id":"ada","timestamp":{{now}}}"""));
    }

    [Fact]
    public async Task While_the_inbox_is_full_the_partitions_are_paused_and_nothing_is_lost_or_laid_aside()
    {
        var full = new Trouble("intake.before-commit", () => new IntakeFullException(TimeSpan.FromMilliseconds(50)));
        await using var node = await IngestionHost.StartAsync(DatabaseKind.PostgreSql, Options with { BatchSize = 10, Kafka = Options.Kafka with { UnderWay = 100 } }, full);
        var sent = Enumerable.Range(0, 1_000).Select(i => (User: $"u{i % 10}", Event: $"e{i}")).ToList();
        foreach (var (user, id) in sent) _producer.Produce(Topic, new() { Key = user, Value = Bytes(id, user) });
        _producer.Flush();

        await IngestionHost.UntilAsync(() => Task.FromResult(node.Gauge("mailflow.ingestion.paused") == 1), "the pause");
        await IngestionHost.UntilAsync(() => Task.FromResult(node.Gauge("mailflow.ingestion.lag") == sent.Count), "the lag");
        Assert.Equal(0, Committed());
        full.IsOver = true;

        await node.EventsAsync(sent.Count);
        var taken = await IngestionHost.InboxAsync(node.Database);
        Assert.Equal(0, node.Gauge("mailflow.ingestion.paused"));
        foreach (var contact in sent.GroupBy(each => each.User)) Assert.Equal(contact.Select(each => each.Event), taken.Where(each => each.User == contact.Key).Select(each => each.Event));
        await node.StopAsync();
        Assert.Equal(sent.Count, Committed());
    }

    /// <summary>Seen red with offsets that the client stored by itself as it read.</summary>
    [Fact]
    public async Task A_node_that_stops_while_the_database_is_away_commits_nothing_and_the_next_takes_all()
    {
        var away = new Trouble("intake.before-commit", () => new NpgsqlException("away", new TimeoutException()));
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        var first = await IngestionHost.StartAsync(test.Database, Options, away);
        foreach (var id in new[] { "a", "b", "c" }) await SendAsync("ada", Bytes(id));
        await IngestionHost.UntilAsync(() => Task.FromResult(away.Times > 1), "two tries");

        await first.DisposeAsync();
        Assert.Equal(0, Committed());
        await using var second = await IngestionHost.StartAsync(test.Database, Options);

        Assert.Equal(["a", "b", "c"], await second.EventsAsync(3));
    }

    [Fact]
    public async Task A_node_that_stops_in_the_midst_finishes_what_is_under_way_and_commits_that_and_no_more()
    {
        const int Sent = 20_000;
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        for (var i = 0; i < Sent; i++) _producer.Produce(Topic, new() { Key = $"u{i % 100}", Value = Bytes($"e{i}", $"u{i % 100}") });
        _producer.Flush();
        var node = await IngestionHost.StartAsync(test.Database, Options with { BatchSize = 50 });
        await node.EventsAsync(1);

        await node.DisposeAsync();

        var taken = (await IngestionHost.InboxAsync(test.Database)).Count;
        Assert.InRange(taken, 1, Sent - 1); // or it would not have been in the midst
        Assert.Equal(taken, Committed());
    }

    // Seen red: only a node with a partition asked the brokers, so the other was never said to be connected.
    [Fact]
    public async Task Nodes_know_whether_the_broker_is_within_reach_with_a_partition_and_without()
    {
        _kafka.CreateTopic("narrow", 1);
        var options = Options with { Kafka = Options.Kafka with { Topic = "narrow" } };
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        await using var one = await IngestionHost.StartAsync(test.Database, options);
        await using var other = await IngestionHost.StartAsync(test.Database, options);
        IngestionHost[] both = [one, other];
        await IngestionHost.UntilAsync(() => Task.FromResult(both.Sum(node => node.Gauge("mailflow.ingestion.partitions")) == 1), "the partition to be given");
        await IngestionHost.UntilAsync(() => Task.FromResult(both.All(node => node.Gauge("mailflow.ingestion.connected") == 1)), "both to be connected", TimeSpan.FromSeconds(20));
        foreach (var broker in new[] { 1, 2, 3 }) _kafka.Down(broker);
        await IngestionHost.UntilAsync(() => Task.FromResult(both.All(node => node.Gauge("mailflow.ingestion.connected") == 0)), "both to miss the brokers", TimeSpan.FromSeconds(30));
        foreach (var broker in new[] { 1, 2, 3 }) _kafka.Up(broker);
        await IngestionHost.UntilAsync(() => Task.FromResult(both.All(node => node.Gauge("mailflow.ingestion.connected") == 1)), "both to be connected again", TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Nodes_share_the_partitions_and_take_over_from_each_other_without_a_gap()
    {
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        var sent = 0;
        await using var first = await IngestionHost.StartAsync(test.Database, Options);
        await SendToAllAsync();
        await first.EventsAsync(sent);

        var second = await IngestionHost.StartAsync(test.Database, Options);
        await IngestionHost.UntilAsync(async () =>
        {
            await SendToAllAsync();
            return second.Gauge("mailflow.ingestion.partitions") > 0;
        }, "the second node's partitions");
        await first.EventsAsync(sent);
        await second.DisposeAsync();
        await SendToAllAsync();
        await first.EventsAsync(sent);

        var taken = await IngestionHost.InboxAsync(test.Database);
        Assert.Equal(sent, taken.Count);
        foreach (var contact in taken.GroupBy(each => each.User)) Assert.Equal(contact.Select(each => each.Event).OrderBy(id => int.Parse(id)), contact.Select(each => each.Event));

        async Task SendToAllAsync()
        {
            for (var i = 0; i < 20; i++) await SendAsync($"u{i}", Bytes($"{sent++}", $"u{i}"));
        }
    }

    // Seen red: what was handled of them was forgotten with what was given up.
    [Fact]
    public async Task What_was_handled_of_partitions_that_a_node_keeps_is_committed_though_it_gives_others_up()
    {
        const int Sent = 60;
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        using var gate = new ManualResetEventSlim();
        var held = new Trouble("intake.before-commit", () => { gate.Wait(TimeSpan.FromMinutes(1)); return null; });
        await using var first = await IngestionHost.StartAsync(test.Database, Options, held);
        await HaveAsync(Partitions, first);
        for (var i = 0; i < Sent; i++) await SendToAsync(i % Partitions, $"e{i}");
        await IngestionHost.UntilAsync(() => Task.FromResult(held.Times > 0), "a batch under way");

        await using var second = await IngestionHost.StartAsync(test.Database, Options);
        await IngestionHost.UntilAsync(() => Task.FromResult(first.Said.Any(line => line.StartsWith("Kafka takes the partitions", StringComparison.Ordinal))), "the first to give up partitions");
        held.IsOver = true; // it waits for what is under way of them
        gate.Set();

        await HaveAsync(Partitions, first, second);
        await first.EventsAsync(Sent);
        await IngestionHost.UntilAsync(() => Task.FromResult(Committed() == Sent), "the commits");
    }

    // Seen red: the lag was counted from where this node had left off.
    [Fact]
    public async Task A_partition_that_comes_back_has_the_lag_that_the_group_has()
    {
        const int Half = 20;
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        await using var first = await IngestionHost.StartAsync(test.Database, Options);
        for (var i = 0; i < Half; i++) await SendToAsync(i % Partitions, $"e{i}");
        await first.EventsAsync(Half);
        var second = await IngestionHost.StartAsync(test.Database, Options);
        await IngestionHost.UntilAsync(() => Task.FromResult(second.Gauge("mailflow.ingestion.partitions") == Partitions / 2), "the sharing");
        for (var i = Half; i < 2 * Half; i++) await SendToAsync(i % Partitions, $"e{i}");
        await IngestionHost.UntilAsync(() => Task.FromResult(Committed() == 2 * Half), "the commits");

        await second.DisposeAsync();
        await HaveAsync(Partitions, first);
        await IngestionHost.UntilAsync(() => Task.FromResult(first.Gauges("mailflow.ingestion.lag").Count == Partitions), "a look at all partitions");

        Assert.Equal([0, 0, 0, 0], first.Gauges("mailflow.ingestion.lag"));
    }

    [Fact]
    public async Task A_server_gives_every_metric_of_ingestion_that_dashboard_and_alerts_name_and_they_name_what_tells_that_it_stands_still()
    {
        await using var nodes = await Nodes.CreateAsync();
        var server = await nodes.StartAsync(("Transport", "kafka"), ("Kafka__BootstrapServers", _kafka.BootstrapServers));
        var given = new HashSet<string>();
        // Seen red: the first dead letter made its series, and no alert sees a rise in what begins at its height.
        await IngestionHost.UntilAsync(async () => (await server.Client.GetStringAsync("/metrics")).Split('\n').Any(line =>
            line.StartsWith("mailflow_ingestion_messages_total", StringComparison.Ordinal) && line.Contains("dead_letter", StringComparison.Ordinal) && line.Contains("} 0", StringComparison.Ordinal)), "the outcome that has not come yet");
        await SendAsync("ada", Bytes("a"));
        await IngestionHost.UntilAsync(async () =>
        {
            given = [.. MetricName().Matches(await server.Client.GetStringAsync("/metrics")).Select(match => match.Value)];
            return given.Contains("mailflow_ingestion_messages_total") && given.Contains("mailflow_ingestion_lag");
        }, "the metrics");

        var alerts = NamesIn("prometheus/alerts.yml");
        Assert.Superset(new HashSet<string> { "mailflow_ingestion_connected", "mailflow_ingestion_lag", "mailflow_ingestion_messages_total", "mailflow_ingestion_waiting" }, alerts);
        Assert.Empty(alerts.Concat(NamesIn("grafana/mailflow.json")).Except(given));
    }

    private static HashSet<string> NamesIn(string file, [System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        [.. MetricName().Matches(File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "deploy", file))).Select(match => match.Value)];

    [System.Text.RegularExpressions.GeneratedRegex(@"\bmailflow_ingestion_[a-z_]+\b")]
    private static partial System.Text.RegularExpressions.Regex MetricName();

    private static Task HaveAsync(int partitions, params IngestionHost[] nodes) =>
        IngestionHost.UntilAsync(() => Task.FromResult(nodes.All(node => node.Gauge("mailflow.ingestion.partitions") > 0) && nodes.Sum(node => node.Gauge("mailflow.ingestion.partitions")) == partitions), "the partitions");

    private Task<DeliveryResult<string, byte[]>> SendToAsync(int partition, string id) => _producer.ProduceAsync(new TopicPartition(Topic, partition), new() { Key = "ada", Value = Bytes(id) });

    private Task<DeliveryResult<string, byte[]>> SendAsync(string key, byte[] body) => _producer.ProduceAsync(Topic, new() { Key = key, Value = body });

    /// <summary>How many records the group has committed.</summary>
    private long Committed()
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = _kafka.BootstrapServers, GroupId = "mailflow" }).Build();
        var partitions = Enumerable.Range(0, Partitions).Select(partition => new TopicPartition(Topic, partition));
        return consumer.Committed(partitions, TimeSpan.FromSeconds(20)).Sum(place => Math.Max(0, place.Offset.Value));
    }

    private List<ConsumeResult<byte[], byte[]>> Read(string topic, int count)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = _kafka.BootstrapServers, GroupId = "reader" }).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var records = new List<ConsumeResult<byte[], byte[]>>();
        while (records.Count < count) records.Add(consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException($"{records.Count} records of {count} in {topic}"));
        return records;
    }

    private static string? Header(ConsumeResult<byte[], byte[]> record, string name) => record.Message.Headers.TryGetLastBytes(name, out var value) ? Encoding.UTF8.GetString(value) : null;
}
