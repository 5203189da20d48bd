using System.Diagnostics;
using MailFlow.Testing;

namespace MailFlow.Chaos;

/// <summary>
/// The <see cref="MockKafka"/> in a process of its own, which starts no others. librdkafka's sockets pass to every child that is started: a connection that a broker drops would then stand
/// as long as any child does, and who is at its other end would wait for an answer for minutes.
/// </summary>
internal sealed class KafkaProcess : IAsyncDisposable
{
    private readonly Process _process;

    private KafkaProcess(Process process, string bootstrapServers) => (_process, BootstrapServers) = (process, bootstrapServers);

    public string BootstrapServers { get; }

    public static async Task<KafkaProcess> StartAsync()
    {
        var process = Itself.Start("kafka");
        return new KafkaProcess(process, await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The mock of Kafka did not start."));
    }

    /// <summary>What the process does: takes brokers down and up as its standard input says, until that ends.</summary>
    public static async Task<int> RunAsync()
    {
        using var kafka = new MockKafka();
        kafka.CreateTopic(Roads.Topic, 12);
        kafka.CreateTopic(Roads.Topic + ".dlq", 1);
        await Console.Out.WriteLineAsync(kafka.BootstrapServers);
        while (await Console.In.ReadLineAsync() is { } line)
            if (line.Split(' ') is ["down", var down]) kafka.Down(int.Parse(down));
            else if (line.Split(' ') is ["up", var up]) kafka.Up(int.Parse(up));
        return 0;
    }

    public Task DownAsync(int broker) => _process.StandardInput.WriteLineAsync($"down {broker}");

    public Task UpAsync(int broker) => _process.StandardInput.WriteLineAsync($"up {broker}");

    public ValueTask DisposeAsync() => Itself.EndAsync(_process);
}
