using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using MailFlow.Testing;
using RabbitMQ.Client;

namespace MailFlow.Chaos;

/// <summary>
/// Sends events in, as applications do that want none to be lost: each again and again until a node or a broker has confirmed it, and one in five by a second road as well. HTTP, and
/// Kafka and RabbitMQ where they are there.
/// </summary>
internal sealed class Roads(IReadOnlyList<Node> nodes, KafkaProcess? kafka, RabbitMqServer? rabbit, int seed) : IAsyncDisposable
{
    public const string Topic = "marketing.events";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200), Confirmation = TimeSpan.FromSeconds(10);

    private readonly Random _random = new(seed);
    private readonly IProducer<string, byte[]>? _producer = kafka is null ? null
        : new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = kafka.BootstrapServers, EnableIdempotence = true, MessageTimeoutMs = 30_000 }).SetLogHandler((_, _) => { }).Build();
    private IConnection? _connection;
    private IChannel? _channel;

    /// <summary>Sends these in; when it returns, each is confirmed by every road that it took.</summary>
    public async Task SendAsync(IReadOnlyList<string> users)
    {
        var all = new List<Func<IReadOnlyList<string>, Task>> { ByHttpAsync, ByHttpAsync };
        if (_producer is not null) all.Add(ByKafkaAsync);
        if (rabbit is not null) all.Add(ByRabbitMqAsync);
        var loads = all.ConvertAll(_ => new List<string>());
        foreach (var user in users)
        {
            loads[_random.Next(all.Count)].Add(user);
            if (_random.Next(5) == 0) loads[_random.Next(all.Count)].Add(user);
        }
        await Task.WhenAll(all.Zip(loads, (road, load) => load.Count > 0 ? road(load) : Task.CompletedTask));
    }

    public async ValueTask DisposeAsync()
    {
        _producer?.Dispose();
        if (_connection is not null) await _connection.DisposeAsync();
    }

    /// <summary>To any node that is up; an answer that breaks off says nothing, so it is sent again, to another.</summary>
    private async Task ByHttpAsync(IReadOnlyList<string> users)
    {
        while (true)
        {
            var up = nodes.Where(node => node.TakesHttp).Select(node => node.Up).OfType<ServerProcess>().ToList();
            if (up.Count > 0)
                try
                {
                    using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
                    var client = up[Random.Shared.Next(up.Count)].Client;
                    using var answer = await client.PostAsJsonAsync("/api/v1/events", new JsonArray([.. users.Select(Journey.Event)]), patience.Token);
                    if (answer.IsSuccessStatusCode)
                    {
                        var said = (await answer.Content.ReadFromJsonAsync<JsonNode>(patience.Token))!;
                        if (said["rejected"] is JsonArray { Count: > 0 } rejected) throw new InvalidOperationException($"Events were refused: {rejected.ToJsonString()}");
                        return;
                    }
                }
                catch (Exception error) when (error is HttpRequestException or OperationCanceledException or ObjectDisposedException or IOException)
                {
                    // Gone, frozen or replaced meanwhile.
                }
            await Task.Delay(Pause, TimeProvider.System);
        }
    }

    private Task ByKafkaAsync(IReadOnlyList<string> users) => Task.WhenAll(users.Select(async user =>
    {
        while (true)
            try
            {
                await _producer!.ProduceAsync(Topic, new() { Key = user, Value = Body(user) });
                return;
            }
            catch (ProduceException<string, byte[]>)
            {
                await Task.Delay(Pause, TimeProvider.System);
            }
    }));

    private async Task ByRabbitMqAsync(IReadOnlyList<string> users)
    {
        for (var i = 0; i < users.Count;)
            try
            {
                using var patience = new CancellationTokenSource(Confirmation); // one that the broker took with it when it died never comes
                _channel ??= await OpenAsync(patience.Token).WaitAsync(patience.Token);
                await _channel.BasicPublishAsync(Topic, "", mandatory: false, new BasicProperties { Persistent = true }, Body(users[i]), patience.Token).AsTask().WaitAsync(patience.Token); // confirmed when it returns
                i++;
            }
            catch (Exception error) when (error is not (NullReferenceException or InvalidCastException or ArgumentException))
            {
                if (_connection is { } dead) _ = ForgetAsync(dead);
                (_connection, _channel) = (null, null);
                await Task.Delay(Pause, TimeProvider.System);
            }
    }

    /// <summary>The end of a connection whose broker was killed may take for ever: nobody waits for it.</summary>
    private static async Task ForgetAsync(IConnection dead)
    {
        try
        {
            await dead.DisposeAsync();
        }
        catch (Exception error) when (error is not (NullReferenceException or InvalidCastException or ArgumentException))
        {
            // It was dead.
        }
    }

    private async Task<IChannel> OpenAsync(CancellationToken ct)
    {
        _connection = await new ConnectionFactory { HostName = "127.0.0.1", Port = rabbit!.Port, AutomaticRecoveryEnabled = false }.CreateConnectionAsync(ct);
        return await _connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct);
    }

    private static byte[] Body(string user) => JsonSerializer.SerializeToUtf8Bytes(Journey.Event(user));
}
