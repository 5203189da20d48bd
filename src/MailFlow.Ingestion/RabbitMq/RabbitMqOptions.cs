using RabbitMQ.Client;
using static MailFlow.Ingestion.IngestionOptions;

namespace MailFlow.Ingestion.RabbitMq;

/// <summary>Where RabbitMQ is and which queue is taken from.</summary>
public sealed record RabbitMqOptions
{
    private const int LongestName = 200;

    /// <summary>Host name or address; of a cluster, several, separated by commas.</summary>
    public string Host { get; init; } = "";

    /// <summary>1–65535; null for 5672, with <see cref="Tls"/> 5671.</summary>
    public int? Port { get; init; }

    /// <summary>The virtual host.</summary>
    public string VirtualHost { get; init; } = "/";

    /// <summary>Whom to sign in as.</summary>
    public string UserName { get; init; } = "guest";

    /// <summary>Never shown by <see cref="ToString"/>.</summary>
    public string Password { get; init; } = "guest";

    /// <summary>Whether the connection is by TLS; the server's certificate must carry the host's name.</summary>
    public bool Tls { get; init; }

    /// <summary>The queue, and the exchange (fanout) that is bound to it; both are made where they are not there.</summary>
    public string Queue { get; init; } = "marketing.events";

    /// <summary>The queue, and the exchange bound to it, for what cannot be taken; null for the queue's name with <c>.dlq</c>.</summary>
    public string? DeadLetterQueue { get; init; }

    /// <summary>How many messages the broker sends ahead of their acknowledgement, 1 to 2,000; a batch is no larger.</summary>
    public int Prefetch { get; init; } = 500;

    /// <summary>Whether the queue is a quorum queue, which a cluster keeps on several nodes. A queue that is there keeps its kind: saying otherwise stops the connection.</summary>
    public bool Quorum { get; init; }

    /// <summary>
    /// Whether one node at a time takes from the queue, and another when that one is gone. It keeps a contact's events in order over all nodes; without, nodes share
    /// the queue and order holds for none.
    /// </summary>
    public bool SingleActiveConsumer { get; init; } = true;

    /// <summary>The exchange (topic) that facts are published to, where any are; it is made where it is not there.</summary>
    public string FactExchange { get; init; } = "marketing.facts";

    internal string DeadLetters => string.IsNullOrEmpty(DeadLetterQueue) ? Queue + ".dlq" : DeadLetterQueue;

    internal ushort PortNumber => (ushort)(Port ?? (Tls ? 5671 : 5672));

    internal string[] Hosts => Host.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Leaves the password out.</summary>
    public override string ToString() => $"RabbitMQ {UserName}@{Host}:{PortNumber} {VirtualHost}, queue {Queue}";

    internal void Check()
    {
        Required("RabbitMq:Host", Host);
        foreach (var host in Hosts)
            if (Uri.CheckHostName(host) == UriHostNameType.Unknown) throw Wrong("RabbitMq:Host", $"'{host}' is neither a host name nor an IP address; the port is a setting of its own");
        Between("RabbitMq:Port", Port ?? PortNumber, 1, 65535);
        Required("RabbitMq:VirtualHost", VirtualHost);
        Required("RabbitMq:UserName", UserName);
        Name("RabbitMq:Queue", Queue);
        Name("RabbitMq:DeadLetterQueue", DeadLetters);
        Name("RabbitMq:FactExchange", FactExchange);
        if (FactExchange == Queue || FactExchange == DeadLetters) throw Wrong("RabbitMq:FactExchange", "is the exchange of events, or of their dead letters");
        if (DeadLetters == Queue) throw Wrong("RabbitMq:DeadLetterQueue", "is the queue that events come from");
        Between("RabbitMq:Prefetch", Prefetch, 1, 2_000);
    }

    /// <summary>A connection of our own, beside MassTransit's, that is not mended by itself.</summary>
    internal Task<IConnection> ConnectAsync(string name, CancellationToken ct)
    {
        var factory = new ConnectionFactory { UserName = UserName, Password = Password, VirtualHost = VirtualHost, AutomaticRecoveryEnabled = false, ClientProvidedName = name };
        return factory.CreateConnectionAsync([.. Hosts.Select(host => new AmqpTcpEndpoint(host, PortNumber, new SslOption(host, enabled: Tls)))], ct);
    }

    /// <summary>Letters, digits and <c>_ . : -</c>: what both the broker and MassTransit take.</summary>
    private static void Name(string setting, string value)
    {
        Required(setting, value);
        if (value.Length > LongestName) throw Wrong(setting, $"is longer than {LongestName} characters");
        if (!value.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or ':' or '-')) throw Wrong(setting, "may hold letters, digits and _ . : - only");
    }
}
