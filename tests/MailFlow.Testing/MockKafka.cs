using System.Runtime.InteropServices;
using System.Text;

namespace MailFlow.Testing;

/// <summary>
/// A cluster of brokers that speaks Kafka's protocol on ports of 127.0.0.1, so that any client can talk to it: the mock cluster that librdkafka carries. It keeps the last
/// 100,000 messages or 5 MB of each partition, in memory.
/// </summary>
/// <remarks>For test projects that refer to the package Confluent.Kafka, which brings the library.</remarks>
public sealed partial class MockKafka : IDisposable
{
    private const string Library = "librdkafka";
    private const int Producer = 0;
    private const short Produce = 0;

    /// <summary>The library's builds, in the order in which Confluent.Kafka tries them: the first wants a libsasl2 that Debian 12 has not.</summary>
    private static readonly string[] Builds = [Library, "centos8-librdkafka"];

    private readonly nint _client, _cluster;

    static MockKafka() => NativeLibrary.SetDllImportResolver(typeof(MockKafka).Assembly, (name, assembly, path) =>
    {
        var handle = nint.Zero;
        return name == Library && Builds.Any(build => NativeLibrary.TryLoad(build, assembly, path, out handle)) ? handle : nint.Zero;
    });

    /// <summary>Starts one.</summary>
    /// <param name="brokers">How many brokers; their ids count from 1.</param>
    public MockKafka(int brokers = 3)
    {
        var error = new byte[512];
        _client = rd_kafka_new(Producer, 0, error, error.Length);
        if (_client == 0) throw new InvalidOperationException($"librdkafka: {Encoding.UTF8.GetString(error).TrimEnd('\0')}");
        _cluster = rd_kafka_mock_cluster_new(_client, brokers);
        rd_kafka_mock_group_initial_rebalance_delay_ms(_cluster, 200); // instead of 3 s
    }

    /// <summary>Where its brokers listen.</summary>
    public string BootstrapServers => Marshal.PtrToStringUTF8(rd_kafka_mock_cluster_bootstraps(_cluster))!;

    /// <summary>Makes a topic, each partition on up to three brokers.</summary>
    public void CreateTopic(string topic, int partitions) => Check(rd_kafka_mock_topic_create(_cluster, topic, partitions, 3));

    /// <summary>Takes a broker down: it answers nothing and its connections break.</summary>
    public void Down(int broker) => Check(rd_kafka_mock_broker_set_down(_cluster, broker));

    /// <summary>Brings a broker back, with all that it had.</summary>
    public void Up(int broker) => Check(rd_kafka_mock_broker_set_up(_cluster, broker));

    /// <summary>Says which broker coordinates a consumer group.</summary>
    public void Coordinate(string group, int broker) => Check(rd_kafka_mock_coordinator_set(_cluster, "group", group, broker));

    /// <summary>Has the brokers answer what is produced next with this error of the protocol, once.</summary>
    public void RefuseOnce(int error) => rd_kafka_mock_push_request_errors_array(_cluster, Produce, 1, [error]);

    /// <inheritdoc/>
    public void Dispose()
    {
        rd_kafka_mock_cluster_destroy(_cluster);
        rd_kafka_destroy(_client);
    }

    private static void Check(int error)
    {
        if (error != 0) throw new InvalidOperationException($"librdkafka: error {error}");
    }

    [LibraryImport(Library)]
    private static partial nint rd_kafka_new(int type, nint configuration, byte[] error, nint errorLength);

    [LibraryImport(Library)]
    private static partial void rd_kafka_destroy(nint client);

    [LibraryImport(Library)]
    private static partial nint rd_kafka_mock_cluster_new(nint client, int brokers);

    [LibraryImport(Library)]
    private static partial void rd_kafka_mock_cluster_destroy(nint cluster);

    [LibraryImport(Library)]
    private static partial nint rd_kafka_mock_cluster_bootstraps(nint cluster);

    [LibraryImport(Library)]
    private static partial void rd_kafka_mock_group_initial_rebalance_delay_ms(nint cluster, int milliseconds);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rd_kafka_mock_topic_create(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport(Library)]
    private static partial int rd_kafka_mock_broker_set_down(nint cluster, int broker);

    [LibraryImport(Library)]
    private static partial int rd_kafka_mock_broker_set_up(nint cluster, int broker);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rd_kafka_mock_coordinator_set(nint cluster, string type, string key, int broker);

    [LibraryImport(Library)]
    private static partial void rd_kafka_mock_push_request_errors_array(nint cluster, short request, nuint count, int[] errors);
}
