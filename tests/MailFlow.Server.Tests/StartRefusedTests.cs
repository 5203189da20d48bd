using System.Net;
using System.Net.Sockets;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>The real program, started where it cannot run: it says why in one line, ends with an error and leaves everything as it was.</summary>
public sealed class StartRefusedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailflow-start-").FullName;

    private string Key => File.ReadAllText(Path.Combine(_folder, "admin.key"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Seen red: two servers wrote one SQLite file, and the second made a new key.</summary>
    [Fact]
    public async Task A_second_server_on_the_same_sqlite_directory_is_refused_until_the_first_has_ended_however_it_ended()
    {
        await using var first = await ServerProcess.StartAsync(_folder, null, ("MailFlow__Samples", "false"));
        var key = Key;

        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(_folder, ["--new-admin-key", "--reset-admin"]);

        Assert.Equal(1, exitCode);
        Assert.Equal(
            $"MailFlow does not start: the data directory {_folder} is in use by process {first.ProcessId} on {Environment.MachineName}. "
            + "On SQLite it takes one server: stop that one, or set MailFlow__DataDirectory to another directory.", Assert.Single(said));
        Assert.Equal(key, Key);
        Assert.Single(await first.ListAsync("/api/v1/api-keys"));

        first.Kill();
        await using var next = await ServerProcess.StartAsync(_folder, null, ("MailFlow__Samples", "false"));
        await next.StopAsync();
        await using var last = await ServerProcess.StartAsync(_folder, null, ("MailFlow__Samples", "false"));
    }

    [Fact]
    public async Task On_PostgreSQL_a_directory_may_be_shared()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var first = await ServerProcess.StartAsync(_folder, test.ConnectionString, ("MailFlow__Samples", "false"));
        await using var second = await ServerProcess.StartAsync(_folder, test.ConnectionString, ("MailFlow__Samples", "false"));

        Assert.Single(await second.ListAsync("/api/v1/api-keys"));
    }

    /// <summary>Seen red: a page of stack trace, after a new key had been written.</summary>
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("*")]
    public async Task A_port_that_another_has_stops_the_start_before_anything_is_written(string host)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://{host}:{((IPEndPoint)other.LocalEndpoint).Port}";

        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(_folder, ["--new-admin-key"], ("ASPNETCORE_URLS", url));

        Assert.Equal(1, exitCode);
        Assert.Equal($"MailFlow does not start: another program listens at {url}. Stop that one, or set ASPNETCORE_URLS to another address, such as http://127.0.0.1:5081.", Assert.Single(said));
        Assert.Empty(Directory.GetFiles(_folder, "admin*").Concat(Directory.GetFiles(_folder, "mailflow*")));
    }

    [Theory]
    [InlineData("127.0.0.1:5080", "'127.0.0.1:5080' is no address to listen at: ")]
    [InlineData("http://192.0.2.1:5080", "nothing can listen at http://192.0.2.1:5080 (")]
    public async Task An_address_that_cannot_be_listened_at_stops_the_start_by_name(string url, string reason)
    {
        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(_folder, [], ("ASPNETCORE_URLS", url));

        Assert.Equal(1, exitCode);
        var line = Assert.Single(said);
        Assert.StartsWith($"MailFlow does not start: {reason}", line);
        Assert.EndsWith(": set ASPNETCORE_URLS to another address, such as http://127.0.0.1:5081.", line);
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_had_stops_the_start_by_name()
    {
        var file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "");

        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(file, []);

        Assert.Equal(1, exitCode);
        Assert.StartsWith($"MailFlow does not start: the data directory {file} cannot be used", Assert.Single(said));
    }

    [Fact]
    public async Task A_setting_that_cannot_be_used_stops_the_start_by_name()
    {
        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(_folder, [], ("MailFlow__Delivery__Provider", "pigeon"));

        Assert.Equal((1, "MailFlow does not start: Provider: 'pigeon' is neither 'sandbox' nor 'smtp'"), (exitCode, Assert.Single(said)));
    }

    // Seen red: a page of stack trace of what cannot be read, and a start with what is not known.
    [Theory]
    [InlineData("MailFlow__Delivery__PollInterval", "quick", "MailFlow:Delivery")]
    [InlineData("MailFlow__Delivery__BatchSize", "abc", "MailFlow:Delivery")]
    [InlineData("MailFlow__Delivery__PollIntervall", "00:00:01", "MailFlow:Delivery: there is no setting 'PollIntervall'")]
    [InlineData("MailFlow__Delivery__Smtp__Tls", "starttlss", "MailFlow:Delivery")]
    [InlineData("MailFlow__Retention__Event", "1", "MailFlow:Retention: there is no setting 'Event'")]
    [InlineData("MailFlow__Webhooks__Http__AllowedTargets__0", "300.1.1.1/99", "MailFlow:Webhooks")]
    [InlineData("MailFlow__Samples", "yes", "MailFlow:Samples: 'yes' is neither true nor false")]
    [InlineData("MailFlow__Sample", "true", "MailFlow: there is no setting 'Sample'")]
    [InlineData("ConnectionStrings__Mailflow_Db", "Host=127.0.0.1", "ConnectionStrings: there is no 'Mailflow_Db', but MailFlow, Redis")]
    [InlineData("ConnectionStrings__MailFlow", "Host=127.0.0.1;Prot=25432;Password=a secret", "ConnectionStrings:MailFlow")]
    [InlineData("ConnectionStrings__MailFlow", "Host=127.0.0.1;Port=1;Password=a secret", "the database")]
    public async Task A_setting_that_cannot_be_read_or_is_not_known_and_a_database_that_is_not_there_are_told_in_one_line(string name, string value, string problem)
    {
        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(_folder, [], ("MailFlow__Delivery__Node", "n"), (name, value));

        Assert.True(exitCode == 1, string.Concat(said));
        var line = Assert.Single(said);
        Assert.StartsWith($"MailFlow does not start: {problem}", line);
        Assert.DoesNotContain("a secret", line);
    }

    [Fact]
    public async Task A_flag_that_is_not_known_stops_the_start()
    {
        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(_folder, ["--new-admin-keyy"]);

        Assert.Equal((1, "MailFlow does not start: --new-admin-keyy is not known: did you mean '--new-admin-key'?"), (exitCode, Assert.Single(said)));
    }

    /// <summary>Nothing tells of a secret that stands beside what is wrong.</summary>
    [Theory]
    [InlineData("Transport", "pigeon", "MailFlow:Ingestion:Transport: 'pigeon' is none of none, rabbitmq, kafka")]
    [InlineData("Kafka__Topics", "marketing.events", "MailFlow:Ingestion: there is no setting 'Topics'")]
    [InlineData("RabbitMq__Port", "amqp", "MailFlow:Ingestion: ")]
    [InlineData("AccountId", "7", "MailFlow:Ingestion:AccountId: there is no account 7")]
    public async Task A_broker_that_is_set_wrong_stops_the_start_by_name(string name, string value, string problem)
    {
        var (exitCode, said) = await ServerProcess.RunToItsEndAsync(
            _folder, [], ("MailFlow__Samples", "false"), ("MailFlow__Ingestion__RabbitMq__Password", "a secret"), ($"MailFlow__Ingestion__{name}", value));

        Assert.Equal(1, exitCode);
        var line = said[^1];
        Assert.StartsWith($"MailFlow does not start: {problem}", line);
        Assert.Contains(name.Split("__")[^1], line);
        Assert.DoesNotContain("a secret", string.Concat(said));
    }
}
