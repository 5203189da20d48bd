using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;
using static MailFlow.Ingestion.Tests.Messages;

namespace MailFlow.Ingestion.Tests;

/// <summary>The same event by every road, sent by clients that are not ours, to real servers on one database.</summary>
public sealed class RoadsTests
{
    private const string Topic = "marketing.events";

    [Fact]
    public async Task The_same_event_by_HTTP_by_Kafka_from_two_clients_and_by_RabbitMQ_makes_one_instance()
    {
        using var kafka = new MockKafka();
        kafka.CreateTopic(Topic, 12);
        await using var rabbit = await RabbitMqServer.StartAsync();
        await using var nodes = await Nodes.CreateAsync();
        var server = await nodes.StartAsync(("Transport", "kafka"), ("Kafka__BootstrapServers", kafka.BootstrapServers));
        await Nodes.PublishAsync(server);
        await nodes.StartAsync(("Transport", "rabbitmq"), ("RabbitMq__Host", "127.0.0.1"), ("RabbitMq__Port", $"{rabbit.Port}"));
        await IngestionHost.UntilAsync(async () => await rabbit.CountAsync(Topic) is not null, "the queue");

        // Each road brings the common event first and one of its own behind it: when that has arrived, so has the other.
        await Nodes.OkAsync(server.Client.PostAsJsonAsync("/api/v1/events", new JsonArray(JsonNode.Parse(Event("same")), JsonNode.Parse(Event("http")))));
        await Nodes.RunAsync("kcat", ["-P", "-b", kafka.BootstrapServers, "-t", Topic, "-k", "ada"], $"{Event("same")}\n{Event("kcat")}\n");
        await Nodes.RunAsync("node", [Path.Combine(KafkaClient(), "send.mjs"), kafka.BootstrapServers, Topic, $"[{Event("same")},{Event("kafkajs")}]"]);
        await rabbit.PublishAsync(Topic, "", Event("same"));
        await rabbit.PublishAsync(Topic, "", Event("rabbitmq"));

        await IngestionHost.UntilAsync(async () => await nodes.CountAsync("SELECT count(*) FROM instance") >= 5, "five instances");
        Assert.Equal(["http", "kafkajs", "kcat", "rabbitmq", "same"], (await nodes.HandledAsync()).ConvertAll(each => each.Event).Order());
        Assert.Equal(5, await nodes.CountAsync("SELECT count(*) FROM instance"));
    }

    // Seen red: MassTransit took the certificate of whoever answered.
    [Fact]
    public async Task Events_come_and_facts_go_over_TLS_to_a_broker_whose_certificate_is_trusted_and_to_no_other()
    {
        const string Told = "told";
        await using var rabbit = await RabbitMqServer.StartAsync();
        await using var nodes = await Nodes.CreateAsync();
        (string, string)[] settings = [("Transport", "rabbitmq"), ("RabbitMq__Host", "localhost"), ("RabbitMq__Port", $"{rabbit.TlsPort}"), ("RabbitMq__Tls", "true"), ("Facts__0", "journey.instance.started")];
        var wary = await nodes.StartAsync(settings);
        await IngestionHost.UntilAsync(() => Task.FromResult(wary.Said.Any(line => line.Contains("certificate", StringComparison.Ordinal))), "the refusal of the certificate");
        Assert.Null(await rabbit.CountAsync(Topic));
        await wary.StopAsync();

        var server = await nodes.StartAsync([("SSL_CERT_FILE", rabbit.AuthorityFile)], settings);
        await Nodes.PublishAsync(server);
        await IngestionHost.UntilAsync(async () => await rabbit.CountAsync(Topic) is not null, "the queue");
        await rabbit.KeepAsync("marketing.facts", "#", Told);
        await rabbit.PublishAsync(Topic, "", Event("over-tls"));
        await IngestionHost.UntilAsync(async () => await rabbit.CountAsync(Told) > 0, "the fact");
        Assert.Equal("journey.instance.started", JsonNode.Parse(Assert.Single(await rabbit.TakeAsync(Told)).Payload)!["type"]!.GetValue<string>());
    }

    private static string KafkaClient()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "MailFlow.sln")))
            {
                var client = Path.Combine(folder.FullName, "tests", "MailFlow.Ingestion.Tests", "KafkaClient");
                return Directory.Exists(Path.Combine(client, "node_modules", "kafkajs"))
                    ? client
                    : throw new InvalidOperationException("The Kafka client of the tests is not installed. Run: npm ci --prefix tests/MailFlow.Ingestion.Tests/KafkaClient");
            }
        throw new InvalidOperationException("This test runs a client that lies in the repository: run it from a build inside it.");
    }
}
