using Confluent.Kafka;
using static MailFlow.Ingestion.IngestionOptions;

namespace MailFlow.Ingestion.Kafka;

/// <summary>Where Kafka is and which topic is read.</summary>
public sealed record KafkaOptions
{
    private const int LongestTopic = 249;

    /// <summary>Where to ask for the brokers first: <c>host:port</c>, several separated by commas.</summary>
    public string BootstrapServers { get; init; } = "";

    /// <summary>The topic of the events, keyed by <c>user_id</c>.</summary>
    public string Topic { get; init; } = "marketing.events";

    /// <summary>The topic for what cannot be taken; null for the topic's name with <c>.dlq</c>.</summary>
    public string? DeadLetterTopic { get; init; }

    /// <summary>The topic that facts are published to, where any are, keyed by <c>user_id</c>.</summary>
    public string FactTopic { get; init; } = "marketing.facts";

    /// <summary>The consumer group; all nodes of one installation are in the same.</summary>
    public string Group { get; init; } = "mailflow";

    /// <summary><c>plaintext</c>, <c>ssl</c>, <c>saslPlaintext</c> or <c>saslSsl</c>.</summary>
    public string Security { get; init; } = "plaintext";

    /// <summary>With SASL: <c>plain</c>, <c>scramSha256</c> or <c>scramSha512</c>.</summary>
    public string SaslMechanism { get; init; } = "scramSha512";

    /// <summary>Whom to sign in as, with SASL.</summary>
    public string? UserName { get; init; }

    /// <summary>Never shown by <see cref="ToString"/>.</summary>
    public string? Password { get; init; }

    /// <summary>PEM file of the certificate authorities to trust in place of the system's.</summary>
    public string? AuthoritiesFile { get; init; }

    /// <summary>How many messages may be under way at once, 1 to 100,000; from there on the partitions are paused until half of them are done.</summary>
    public int UnderWay { get; init; } = 4_000;

    internal string DeadLetters => string.IsNullOrEmpty(DeadLetterTopic) ? Topic + ".dlq" : DeadLetterTopic;

    /// <summary>Leaves the password out.</summary>
    public override string ToString() => $"Kafka {BootstrapServers}, topic {Topic}, group {Group}";

    internal void Check()
    {
        Required("Kafka:BootstrapServers", BootstrapServers);
        foreach (var server in BootstrapServers.Split(','))
            if (!Uri.TryCreate("kafka://" + server.Trim(), UriKind.Absolute, out var address) || address.Port is < 1 or > 65535 || address.AbsolutePath is not ("" or "/"))
                throw Wrong("Kafka:BootstrapServers", $"'{server.Trim()}' is not host:port");
        Name("Kafka:Topic", Topic);
        Name("Kafka:DeadLetterTopic", DeadLetters);
        Name("Kafka:FactTopic", FactTopic);
        if (FactTopic == Topic || FactTopic == DeadLetters) throw Wrong("Kafka:FactTopic", "is the topic of events, or of their dead letters");
        if (DeadLetters == Topic) throw Wrong("Kafka:DeadLetterTopic", "is the topic that events come from");
        Required("Kafka:Group", Group);
        var security = OneOf<SecurityProtocol>("Kafka:Security", Security);
        if (security is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl)
        {
            if (Mechanism is not (Confluent.Kafka.SaslMechanism.Plain or Confluent.Kafka.SaslMechanism.ScramSha256 or Confluent.Kafka.SaslMechanism.ScramSha512))
                throw Wrong("Kafka:SaslMechanism", $"'{SaslMechanism}' is none of plain, scramSha256, scramSha512");
            Required("Kafka:UserName", UserName ?? "");
            Required("Kafka:Password", Password ?? "");
        }
        else if (!string.IsNullOrEmpty(UserName) || !string.IsNullOrEmpty(Password)) throw Wrong("Kafka:UserName", "and password are sent with Kafka:Security saslPlaintext or saslSsl only");
        if (!string.IsNullOrEmpty(AuthoritiesFile) && !File.Exists(AuthoritiesFile)) throw Wrong("Kafka:AuthoritiesFile", $"'{AuthoritiesFile}' is not there");
        Between("Kafka:UnderWay", UnderWay, 1, 100_000);
    }

    /// <summary>What consumer and producer have in common.</summary>
    internal T Connect<T>() where T : ClientConfig, new()
    {
        var security = OneOf<SecurityProtocol>("Kafka:Security", Security);
        var config = new T
        {
            BootstrapServers = BootstrapServers,
            ClientId = "mailflow",
            SecurityProtocol = security,
            SslCaLocation = string.IsNullOrEmpty(AuthoritiesFile) ? null : AuthoritiesFile,
            ReconnectBackoffMaxMs = 2_000,
        };
        if (security is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl) (config.SaslMechanism, config.SaslUsername, config.SaslPassword) = (Mechanism, UserName, Password);
        return config;
    }

    private SaslMechanism Mechanism => OneOf<SaslMechanism>("Kafka:SaslMechanism", SaslMechanism);

    private static T OneOf<T>(string setting, string word) where T : struct, Enum =>
        Enum.TryParse<T>(word, ignoreCase: true, out var value) && Enum.GetNames<T>().Contains(word, StringComparer.OrdinalIgnoreCase)
            ? value
            : throw Wrong(setting, $"'{word}' is none of {string.Join(", ", Enum.GetNames<T>().Select(name => char.ToLowerInvariant(name[0]) + name[1..]))}");

    /// <summary>What Kafka takes for a topic's name.</summary>
    private static void Name(string setting, string value)
    {
        Required(setting, value);
        if (value.Length > LongestTopic) throw Wrong(setting, $"is longer than {LongestTopic} characters");
        if (value is "." or ".." || !value.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-')) throw Wrong(setting, "may hold letters, digits and _ . - only");
    }
}
