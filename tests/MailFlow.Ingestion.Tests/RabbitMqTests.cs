using System.Text;
using MailFlow.Engine.Storage;
using MailFlow.Ingestion.RabbitMq;
using MailFlow.Testing;
using Npgsql;
using RabbitMQ.Client;
using static MailFlow.Ingestion.Tests.Messages;

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
        await using var node = await StartAsync(queue, kind);

        await Server.PublishAsync(queue, "", Event("a"));
        await Server.PublishAsync("amq.default", queue, Event("b"), """{"content_type":"text/plain"}""");
        await Server.PublishAsync(queue, "any.key", Event("a"), """{"content_type":"application/vnd.masstransit+json"}""");
        await Server.PublishAsync(queue, "", Event("c", "bob"), """{"content_type":"not one","headers":{"account_id":2}}""");

        Assert.Equal(["a", "b", "c"], await node.EventsAsync(3));
        Assert.All(await IngestionHost.InboxAsync(node.Database), each => Assert.Equal(1, each.Account));
        await UntilAsync(queue, 0);
        Assert.Equal(0, await Server.CountAsync(queue + ".dlq"));
    }

    [Fact]
    public async Task What_is_no_event_is_a_dead_letter_with_its_reason_and_stops_none_beside_it()
    {
        const string Queue = "poison";
        await using var node = await StartAsync(Queue);
        await PublishAsync(Queue, [Bytes("before"), .. Poison.Select(each => Encoding.UTF8.GetBytes(each.Body)), TooLarge, [], [0xff, 0xfe], Bytes("after")]);

        Assert.Equal(["before", "after"], await node.EventsAsync(2));
        await UntilAsync(Queue + ".dlq", Poison.Count + 3);
        await UntilAsync(Queue, 0);
        var dead = await Server.TakeAsync(Queue + ".dlq");

        Assert.Equal(
            new[] { "event: is larger than 256 kB", "event: is empty", "event: is not valid UTF-8" }.Concat(Poison.Select(each => $"{each.Field}: {each.Reason}")).Order(),
            dead.Select(each => $"{each.Headers["mailflow-field"]}: {each.Headers["mailflow-reason"]}").Order());
        Assert.All(Poison, poison => Assert.Contains(dead, each => each.Payload == poison.Body && each.Headers["mailflow-reason"]!.GetValue<string>() == poison.Reason));
        Assert.All(dead, each => Assert.Equal(Queue, each.Headers["mailflow-routing-key"]!.GetValue<string>()));
    }

    // Seen red: no try to lay it aside succeeded, and nothing behind it was taken.
    [Fact]
    public async Task A_message_whose_fault_has_a_very_long_name_is_laid_aside_and_stops_nothing()
    {
        const string Queue = "long";
        await using var node = await StartAsync(Queue);
        var name = new string('x', 200_000); // more than a frame of AMQP holds, and all headers must fit into one
        await PublishAsync(Queue, [Encoding.UTF8.GetBytes($$"""{"event_id":"p","event_type":"tested","user_id":"ada","payload":{"{{name}}":"\u0000"} }"""), Bytes("after")]);

        await UntilAsync(Queue + ".dlq", 1);
        await UntilAsync(Queue, 0);
        Assert.Equal(["after"], await node.EventsAsync(1));
        Assert.StartsWith("payload.xxx", (await Server.TakeAsync(Queue + ".dlq"))[0].Headers["mailflow-field"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_the_broker_itself_drops_is_a_dead_letter_too()
    {
        const string Queue = "dropped";
        await using (await StartAsync(Queue)) { }

        await Server.PublishAsync("amq.default", Queue, Event("too late"), """{"expiration":"1"}""");

        await UntilAsync(Queue + ".dlq", 1);
        Assert.Equal(Event("too late"), (await Server.TakeAsync(Queue + ".dlq"))[0].Payload);
    }

    /// <summary>The reader should let none of these pass. If one does all the same, it is alone.</summary>
    [Fact]
    public async Task An_event_that_the_database_refuses_is_found_among_the_others_and_laid_aside()
    {
        const string Queue = "refused";
        await using var node = await StartAsync(Queue);
        foreach (var sql in new[]
        {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END $$",
            "CREATE TRIGGER refuse BEFORE INSERT ON inbox FOR EACH ROW WHEN (NEW.user_id = 'eve') EXECUTE FUNCTION refuse()",
        }) await node.Database.WriteAsync(session => session.ExecuteAsync(sql, default), default);

        await PublishAsync(Queue, [.. Enumerable.Range(0, 20).Select(i => Bytes($"e{i}", i == 13 ? "eve" : "ada"))]);

        Assert.Equal(Enumerable.Range(0, 20).Where(i => i != 13).Select(i => $"e{i}"), await node.EventsAsync(19));
        await UntilAsync(Queue + ".dlq", 1);
        Assert.Equal("is refused by the database (22000)", (await Server.TakeAsync(Queue + ".dlq"))[0].Headers["mailflow-reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_quorum_queue_that_nodes_share_serves_as_well()
    {
        const string Queue = "quorum";
        var options = fixture.Options(Queue);
        await using var node = await IngestionHost.StartAsync(DatabaseKind.Sqlite, options with { RabbitMq = options.RabbitMq with { Quorum = true, SingleActiveConsumer = false } });
        await IngestionHost.UntilAsync(async () => await Server.CountAsync(Queue) is not null, "the queue");

        await PublishAsync(Queue, [Bytes("a"), Encoding.UTF8.GetBytes("poison")]);

        Assert.Equal(["a"], await node.EventsAsync(1));
        await UntilAsync(Queue + ".dlq", 1);
    }

    /// <summary>Seen red without <see cref="InOrder"/>: now and then one came a batch late.</summary>
    [Fact]
    public async Task A_burst_is_taken_in_the_order_in_which_it_was_sent()
    {
        const string Queue = "burst";
        await using var node = await IngestionHost.StartAsync(DatabaseKind.PostgreSql, fixture.Options(Queue) with { BatchWait = TimeSpan.FromMilliseconds(1) });
        await IngestionHost.UntilAsync(async () => await Server.CountAsync(Queue) is not null, "the queue");
        var sent = Enumerable.Range(0, 10_000).Select(i => $"e{i}").ToList();

        await PublishAsync(Queue, [.. sent.Select(id => Bytes(id))]);

        Assert.Equal(sent, await node.EventsAsync(sent.Count));
    }

    /// <summary>The broker goes away between the commit and the acknowledgement, and sends the message again when it is back.</summary>
    [Fact]
    public async Task A_message_that_comes_again_because_its_acknowledgement_was_lost_is_taken_once_and_the_node_reconnects()
    {
        const string Queue = "again";
        await using var server = await RabbitMqServer.StartAsync();
        using var committed = new ManualResetEventSlim();
        using var gone = new ManualResetEventSlim();
        var trouble = new Trouble("intake.after-commit", () =>
        {
            committed.Set();
            gone.Wait(TimeSpan.FromMinutes(5));
            return null;
        });
        await using var node = await IngestionHost.StartAsync(DatabaseKind.PostgreSql, new() { Transport = "rabbitmq", RabbitMq = new() { Host = "127.0.0.1", Port = server.Port, Queue = Queue } }, trouble);
        await IngestionHost.UntilAsync(async () => await server.CountAsync(Queue) is not null, "the queue");
        await server.PublishAsync(Queue, "", Event("once"), """{"delivery_mode":2}""");
        await IngestionHost.UntilAsync(() => Task.FromResult(committed.IsSet), "the commit");

        await server.StopAsync();
        trouble.IsOver = true;
        gone.Set();
        await server.StartAgainAsync();
        await IngestionHost.UntilAsync(async () => await server.CountAsync(Queue) == 0, "the acknowledgement", TimeSpan.FromMinutes(2)); // each try to connect waits longer than the one before
        await server.PublishAsync(Queue, "", Event("next"));

        Assert.Equal(["once", "next"], await node.EventsAsync(2));
    }

    [Fact]
    public async Task While_the_database_is_away_or_the_inbox_full_messages_wait_and_are_taken_when_it_is_over()
    {
        const string Queue = "away";
        var times = 0;
        var trouble = new Trouble("intake.before-commit", () => times++ % 2 == 0 ? new NpgsqlException("away", new TimeoutException()) : new IntakeFullException(TimeSpan.FromMilliseconds(10)));
        await using var node = await StartAsync(Queue, faults: trouble);
        await PublishAsync(Queue, [Bytes("a"), Encoding.UTF8.GetBytes("poison"), Bytes("b")]);
        await IngestionHost.UntilAsync(() => Task.FromResult(trouble.Times >= 3), "three tries");
        await UntilAsync(Queue, 3);
        Assert.Empty(await node.EventsAsync());

        trouble.IsOver = true;

        Assert.Equal(["a", "b"], await node.EventsAsync(2));
        await UntilAsync(Queue, 0);
        await UntilAsync(Queue + ".dlq", 1);
    }

    [Fact]
    public async Task A_node_that_stops_while_the_database_is_away_gives_its_messages_back_for_another()
    {
        const string Queue = "stopped";
        var trouble = new Trouble("intake.before-commit", () => new NpgsqlException("away", new TimeoutException()));
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        var first = await IngestionHost.StartAsync(test.Database, fixture.Options(Queue), trouble);
        await IngestionHost.UntilAsync(async () => await Server.CountAsync(Queue) is not null, "the queue");
        await PublishAsync(Queue, [Bytes("a"), Bytes("b"), Bytes("c")]);
        await IngestionHost.UntilAsync(() => Task.FromResult(trouble.Times > 0), "a try");

        await first.DisposeAsync();
        await using var second = await IngestionHost.StartAsync(test.Database, fixture.Options(Queue));

        Assert.Equal(["a", "b", "c"], await second.EventsAsync(3));
        Assert.Equal(0, await Server.CountAsync(Queue + ".dlq"));
    }

    [Fact]
    public async Task A_node_that_stops_in_the_midst_acknowledges_what_it_took_and_leaves_the_rest()
    {
        const int Sent = 10_000;
        const string Queue = "midst";
        await using var test = await IngestionHost.CreateDatabaseAsync(DatabaseKind.PostgreSql);
        await using (await StartAsync(Queue)) { }
        await PublishAsync(Queue, [.. Enumerable.Range(0, Sent).Select(i => Bytes($"e{i}"))]);
        await UntilAsync(Queue, Sent);
        var node = await IngestionHost.StartAsync(test.Database, fixture.Options(Queue) with { BatchSize = 20 });
        await node.EventsAsync(1);

        await node.DisposeAsync();

        var taken = (await IngestionHost.InboxAsync(test.Database)).Count;
        Assert.InRange(taken, 1, Sent - 1); // or it would not have been in the midst
        await UntilAsync(Queue, Sent - taken);
    }

    [Fact]
    public async Task What_the_queue_holds_is_a_metric_and_so_is_whether_the_broker_is_there()
    {
        const string Queue = "lag";
        var trouble = new Trouble("intake.before-commit", () => new IntakeFullException(TimeSpan.FromMilliseconds(50)));
        await using var node = await IngestionHost.StartAsync(DatabaseKind.Sqlite, fixture.Options(Queue) with { BatchSize = 2 }, trouble);
        await IngestionHost.UntilAsync(async () => await Server.CountAsync(Queue) is not null, "the queue");

        await PublishAsync(Queue, [.. Enumerable.Range(0, 10).Select(i => Bytes($"e{i}"))]);

        await IngestionHost.UntilAsync(() => Task.FromResult(node.Gauge("mailflow.ingestion.lag") == 8), "a lag of 8"); // two are with the node
        Assert.Equal(1, node.Gauge("mailflow.ingestion.connected"));
        Assert.Equal(1, node.Gauge("mailflow.ingestion.waiting"));
        trouble.IsOver = true;
        await IngestionHost.UntilAsync(() => Task.FromResult(node.Gauge("mailflow.ingestion.lag") == 0), "no lag");
    }

    private async Task<IngestionHost> StartAsync(string queue, DatabaseKind kind = DatabaseKind.PostgreSql, Trouble? faults = null)
    {
        var node = await IngestionHost.StartAsync(kind, fixture.Options(queue), faults);
        await IngestionHost.UntilAsync(async () => await Server.CountAsync(queue) is not null, "the queue");
        return node;
    }

    private Task UntilAsync(string queue, int count) => IngestionHost.UntilAsync(async () => await Server.CountAsync(queue) == count, $"{count} messages in {queue}");

    private async Task PublishAsync(string queue, IReadOnlyList<byte[]> bodies)
    {
        await using var connection = await new ConnectionFactory { HostName = "127.0.0.1", Port = Server.Port }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        foreach (var body in bodies) await channel.BasicPublishAsync("", queue, body);
    }
}
