using MailFlow.Data;
using MailFlow.Ingestion.Kafka;
using MailFlow.Ingestion.RabbitMq;

namespace MailFlow.Ingestion;

/// <summary>Whether events also come from a broker, and from which. HTTP takes them whatever is said here.</summary>
public sealed record IngestionOptions
{
    /// <summary>The section that these options are read from, which errors name.</summary>
    public const string Section = "MailFlow:Ingestion";

    private static readonly string[] Transports = ["none", "rabbitmq", "kafka"];

    /// <summary><c>none</c>, <c>rabbitmq</c> or <c>kafka</c>.</summary>
    public string Transport { get; init; } = "none";

    /// <summary>The account that the broker's events belong to. Nothing in a message can say otherwise.</summary>
    public int AccountId { get; init; } = 1;

    /// <summary>The most messages that share one transaction, 1 to 2,000.</summary>
    public int BatchSize { get; init; } = 500;

    /// <summary>How long a batch that is not full waits for another message, 1 ms to 1 s.</summary>
    public TimeSpan BatchWait { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The facts of the account that are published to the broker, by type; <c>*</c> for all, none (which is the default) for nothing.</summary>
    public IReadOnlyList<string> Facts { get; init; } = [];

    /// <summary>RabbitMQ, where it is the transport.</summary>
    public RabbitMqOptions RabbitMq { get; init; } = new();

    /// <summary>Kafka, where it is the transport.</summary>
    public KafkaOptions Kafka { get; init; } = new();

    /// <summary>Throws <see cref="InvalidInputException"/> for what cannot be used, naming it.</summary>
    internal void Check()
    {
        if (!Transports.Contains(Transport)) throw Wrong(nameof(Transport), $"'{Transport}' is none of {string.Join(", ", Transports)}");
        if (AccountId < 1) throw Wrong(nameof(AccountId), $"{AccountId} is no account's id");
        Between(nameof(BatchSize), BatchSize, 1, 2_000);
        Between(nameof(BatchWait), BatchWait.TotalSeconds, 0.001, 1);
        if (Transport == "rabbitmq") RabbitMq.Check();
        if (Transport == "kafka") Kafka.Check();
    }

    /// <summary>What is wrong with a setting, by the name that an operator gives it.</summary>
    internal static InvalidInputException Wrong(string setting, string problem) => new($"{Section}:{setting}", problem);

    internal static void Between(string setting, double value, double least, double most)
    {
        if (!(value >= least && value <= most)) throw Wrong(setting, $"{value} is not between {least} and {most}");
    }

    internal static void Required(string setting, string value)
    {
        if (string.IsNullOrWhiteSpace(value)) throw Wrong(setting, "is missing");
    }
}
