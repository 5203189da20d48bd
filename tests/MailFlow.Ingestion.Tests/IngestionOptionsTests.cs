using MailFlow.Data;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Ingestion.Tests;

/// <summary>What a wrong setting is told.</summary>
public sealed class IngestionOptionsTests
{
    private static readonly IngestionOptions Rabbit = new() { Transport = "rabbitmq", RabbitMq = new() { Host = "broker", Password = "secret" } };
    private static readonly IngestionOptions Kafka = new() { Transport = "kafka", Kafka = new() { BootstrapServers = "one:9092, two:9092", Password = null } };

    public static TheoryData<object, string> Wrong => new()
    {
        { new IngestionOptions { Transport = "Kafka" }, "MailFlow:Ingestion:Transport: 'Kafka' is none of none, rabbitmq, kafka" },
        { Rabbit with { AccountId = 0 }, "MailFlow:Ingestion:AccountId: 0 is no account's id" },
        { Rabbit with { BatchSize = 3000 }, "MailFlow:Ingestion:BatchSize: 3000 is not between 1 and 2000" },
        { Rabbit with { RabbitMq = new() }, "MailFlow:Ingestion:RabbitMq:Host: is missing" },
        { Rabbit with { RabbitMq = new() { Host = "broker:5672" } }, "MailFlow:Ingestion:RabbitMq:Host: 'broker:5672' is neither a host name nor an IP address; the port is a setting of its own" },
        { Rabbit with { RabbitMq = new() { Host = "broker", Port = 70_000 } }, "MailFlow:Ingestion:RabbitMq:Port: 70000 is not between 1 and 65535" },
        { Rabbit with { RabbitMq = new() { Host = "broker", Queue = "a queue" } }, "MailFlow:Ingestion:RabbitMq:Queue: may hold letters, digits and _ . : - only" },
        { Rabbit with { RabbitMq = new() { Host = "broker", DeadLetterQueue = "marketing.events" } }, "MailFlow:Ingestion:RabbitMq:DeadLetterQueue: is the queue that events come from" },
        { Kafka with { Kafka = new() }, "MailFlow:Ingestion:Kafka:BootstrapServers: is missing" },
        { Kafka with { Kafka = new() { BootstrapServers = "broker" } }, "MailFlow:Ingestion:Kafka:BootstrapServers: 'broker' is not host:port" },
        { Kafka with { Kafka = new() { BootstrapServers = "broker:9092", Topic = "a/b" } }, "MailFlow:Ingestion:Kafka:Topic: may hold letters, digits and _ . - only" },
        { Kafka with { Kafka = new() { BootstrapServers = "broker:9092", Security = "tls" } }, "MailFlow:Ingestion:Kafka:Security: 'tls' is none of plaintext, ssl, saslPlaintext, saslSsl" },
        { Kafka with { Kafka = new() { BootstrapServers = "broker:9092", Security = "saslSsl", UserName = "u" } }, "MailFlow:Ingestion:Kafka:Password: is missing" },
        { Kafka with { Kafka = new() { BootstrapServers = "broker:9092", Security = "saslSsl", SaslMechanism = "gssapi" } }, "MailFlow:Ingestion:Kafka:SaslMechanism: 'gssapi' is none of plain, scramSha256, scramSha512" },
        { Kafka with { Kafka = new() { BootstrapServers = "broker:9092", Password = "p" } }, "MailFlow:Ingestion:Kafka:UserName: and password are sent with Kafka:Security saslPlaintext or saslSsl only" },
        { Kafka with { Kafka = new() { BootstrapServers = "broker:9092", AuthoritiesFile = "/none" } }, "MailFlow:Ingestion:Kafka:AuthoritiesFile: '/none' is not there" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void A_setting_that_cannot_be_used_is_named_with_what_is_wrong(object options, string problem) =>
        Assert.Equal(problem, Assert.Throws<InvalidInputException>(() => new ServiceCollection().AddIngestion((IngestionOptions)options)).Message);

    [Fact]
    public void What_is_right_is_taken_and_no_password_is_shown()
    {
        var secured = new IngestionOptions { Transport = "kafka", Kafka = new() { BootstrapServers = "b:9093", Security = "saslSsl", SaslMechanism = "ScramSha256", UserName = "u", Password = "secret" } };
        foreach (var options in new[] { new IngestionOptions(), Rabbit, Kafka, secured })
        {
            options.Check();
            Assert.DoesNotContain("secret", options.ToString());
        }
    }
}
