using System.Globalization;
using MailFlow.Chaos.Esp;
using MailFlow.Chaos.Seam;
using MailFlow.Testing;
using Npgsql;

namespace MailFlow.Chaos;

/// <summary>One run: a cluster of real servers on servers of its own, faults, rest, judgement.</summary>
public sealed class ChaosRun(ChaosOptions options, Action<string> say)
{
    private const string Schema = "mailflow";
    private const double PerSecond = 2_000; // above 20 it is leased from Redis
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250), Look = TimeSpan.FromMilliseconds(500);

    private readonly string _folder = Directory.CreateTempSubdirectory("mailflow-chaos-").FullName;

    /// <summary>Runs it. The folder with the nodes' logs and the stub's is removed where all is well, and where nothing could be learnt from it.</summary>
    /// <param name="ct">Breaks off once all is up; what was started is ended.</param>
    public async Task<Verdict> RunAsync(CancellationToken ct = default)
    {
        var plan = options.Planned ?? Plan.Draw(options.Seed, options.Length, options.Faults, options.Nodes);
        say($"seed {options.Seed}, {options.Nodes} nodes, {options.Contacts} contacts, {options.Length.TotalSeconds:0} s, ESP {options.Mode.ToString().ToLowerInvariant()}, mutation {options.Mutation}, folder {_folder}");
        var verdict = await RunAsync(plan, ct);
        if (verdict.IsGood || options.Mutation != Mutation.None) Directory.Delete(_folder, recursive: true);
        return verdict;
    }

    private async Task<Verdict> RunAsync(IReadOnlyList<Fault> plan, CancellationToken ct)
    {
        using var postgres = OwnPostgres.Start(durable: false);
        await using var redis = await RealRedisServer.StartAsync();
        await using var kafka = options.Brokers ? await KafkaProcess.StartAsync() : null;
        await using var rabbit = options.Brokers ? await RabbitMqServer.StartAsync() : null;
        await using var esp = await EspProcess.StartAsync(options.Mode, Path.Combine(_folder, "esp.log"), options.Seed);
        var connection = $"{postgres.ConnectionString};Search Path={options.Mutation.SearchPath(Schema)}";
        await ExecuteAsync(connection, $"CREATE SCHEMA {Schema}");
        if (options.Mutation == Mutation.NoLock) await ExecuteAsync(connection, options.Mutation.Sql()!);

        var haveClocks = plan.Any(fault => fault.Kind == Plan.ClockStep);
        var nodes = Enumerable.Range(0, options.Nodes).Select(number => NewNode(number, connection, redis, kafka, rabbit, esp, haveClocks)).ToList();
        try
        {
            await Task.WhenAll(nodes.Select(node => node.StartAsync()));
            if (options.Mutation is Mutation.NoUniqueKey or Mutation.NoInflightMark) await ExecuteAsync(connection, options.Mutation.Sql()!);
            var (webhook, signingKey) = await Journey.PublishAsync(nodes[0].Up!.Client, esp, options.Mode, options.Wait, PerSecond);
            using var over = new CancellationTokenSource();
            var addressing = options.Reports ? AddressAsync(nodes, esp, webhook, signingKey, over.Token) : Task.CompletedTask;

            say("all is up");
            var begin = TimeProvider.System.GetUtcNow();
            await using var havoc = new Havoc(nodes, postgres, redis, rabbit, kafka, esp, _folder, say);
            await using var roads = new Roads(nodes, kafka, rabbit, options.Seed);
            var users = Enumerable.Range(0, options.Contacts).Select(number => $"u{number}").ToList();
            var sentAt = new Dictionary<string, long>();
            await Task.WhenAll(SendAsync(roads, users, begin, sentAt), havoc.RunAsync(plan, begin)).WaitAsync(ct);
            say($"the faults are over: {string.Join(", ", havoc.Done.OrderBy(each => each.Key).Select(each => $"{each.Key} {each.Value}"))}; nodes were started {nodes.Sum(node => node.Starts)} times");

            var isAtRest = await RestAsync(connection, esp, users.Count).WaitAsync(ct);
            say(isAtRest ? "all is at rest" : $"after {options.Patience.TotalSeconds:0} s it has not come to rest");
            await over.CancelAsync();
            await addressing;
            var numbers = await Journey.NumbersAsync(await UpAsync(nodes));
            return Checker.Judge(await Evidence.ReadAsync(connection, sentAt, esp.ReadLog(), numbers, [.. nodes.SelectMany(node => node.Conflicts)]), options.Mode, options.Wait);
        }
        finally
        {
            await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
            if (haveClocks) NodeClock.CleanUp();
        }
    }

    /// <summary>Roles are spread: the first two do everything, one of them fed by Kafka and one by RabbitMQ; the others work and send.</summary>
    private Node NewNode(int number, string connection, RealRedisServer redis, KafkaProcess? kafka, RabbitMqServer? rabbit, EspProcess esp, bool hasClock)
    {
        var (name, takesHttp) = ($"node{number + 1}", number < 2);
        List<(string, string)> settings =
        [
            ("MailFlow__Samples", "false"), ("MailFlow__Roles", takesHttp ? "all" : "worker,sender"), ("MailFlow__Delivery__Node", name), ("MailFlow__Delivery__Lease", "00:00:02"),
            ("MailFlow__Delivery__UnknownWindow", "00:00:10"), ("MailFlow__Delivery__Sender__Name", "Acme"), ("MailFlow__Delivery__Sender__Email", "news@example.org"),
            ("MailFlow__Delivery__Sender__PostalAddress", "1 Main Street, Springfield"), ("MailFlow__Delivery__PublicBaseUrl", "https://mail.example.org"), ("MailFlow__Delivery__ProviderEndpoints__sendgrid", esp.Address.AbsoluteUri),
            ("ConnectionStrings__Redis", redis.ConnectionString + ",abortConnect=false"), .. NodeSeam.Environs(Path.Combine(_folder, $"{name}.orders"), esp.Address, options.Mode, options.Mutation),
        ];
        var clock = hasClock ? new NodeClock(Path.Combine(_folder, $"{name}.clock")) : null;
        if (clock is not null) settings.AddRange(clock.Environs());
        if (number == 0 && kafka is not null) settings.AddRange([("MailFlow__Ingestion__Transport", "kafka"), ("MailFlow__Ingestion__Kafka__BootstrapServers", kafka.BootstrapServers)]);
        if (number == 1 && rabbit is not null)
            settings.AddRange([("MailFlow__Ingestion__Transport", "rabbitmq"), ("MailFlow__Ingestion__RabbitMq__Host", "127.0.0.1"), ("MailFlow__Ingestion__RabbitMq__Port", $"{rabbit.Port}")]);
        return new Node(name, takesHttp, _folder, $"{connection};Application Name={name}", clock, [.. settings], say);
    }

    /// <summary>Evenly over the length of the run, noting when each was sent.</summary>
    private async Task SendAsync(Roads roads, List<string> users, DateTimeOffset begin, Dictionary<string, long> sentAt)
    {
        for (var sent = 0; sent < users.Count;)
        {
            var due = (int)Math.Min(users.Count, Math.Ceiling(users.Count * ((TimeProvider.System.GetUtcNow() - begin + Tick) / options.Length)));
            foreach (var user in users[Math.Min(sent, due)..due]) sentAt[user] = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            if (due > sent) await roads.SendAsync(users[sent..due]);
            sent = Math.Max(sent, due);
            await Task.Delay(Tick, TimeProvider.System);
        }
        say($"all {users.Count} events are sent and confirmed");
    }

    /// <summary>Tells the stub where nodes listen that take its reports: each start is on another port.</summary>
    private static async Task AddressAsync(List<Node> nodes, EspProcess esp, string webhook, string? signingKey, CancellationToken over)
    {
        var told = new List<string>();
        while (!over.IsCancellationRequested)
        {
            var addresses = nodes.Where(node => node.TakesHttp).Select(node => node.Up).OfType<ServerProcess>().Select(up => new Uri(up.Client.BaseAddress!, webhook).AbsoluteUri).ToList();
            if (!addresses.SequenceEqual(told)) await esp.ReportToAsync(new StubReportsTo(told = addresses, signingKey));
            await Task.Delay(Tick, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Waits until everyone has come in (brokers may still hold events), nobody is under way, no mail is open and the stub has told all; whether that came.</summary>
    private async Task<bool> RestAsync(string connection, EspProcess esp, int users)
    {
        var patience = TimeProvider.System.GetUtcNow() + options.Patience;
        var shown = "";
        while (TimeProvider.System.GetUtcNow() < patience)
        {
            var state = await esp.StateAsync();
            var open = await OpenAsync(connection); // after the stub's, whose last report may have become a call
            if (open[0] == users && open[1..].Sum() + (options.Reports ? state.ReportsOpen : 0) == 0) return true;
            var words = string.Create(CultureInfo.InvariantCulture,
                $"come in {open[0]}, open: inbox {open[1]}, instances {open[2]}, mails {open[3]}, calls of webhooks {open[4]}; the stub took {state.Taken} and has {state.ReportsOpen} reports to tell");
            if (words != shown) say(shown = words);
            await Task.Delay(Look, TimeProvider.System);
        }
        return false;
    }

    private async Task<HttpClient> UpAsync(List<Node> nodes)
    {
        while (true)
        {
            if (nodes.Where(node => node.TakesHttp).Select(node => node.Up).OfType<ServerProcess>().FirstOrDefault() is { } up) return up.Client;
            await Task.Delay(Look, TimeProvider.System);
        }
    }

    private static async Task<long[]> OpenAsync(string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("""
            SELECT ARRAY[(SELECT count(DISTINCT contact_id) FROM instance), (SELECT count(*) FROM inbox), (SELECT count(*) FROM instance WHERE status = 0), (SELECT count(*) FROM message WHERE state IN (0, 1, 4, 5)),
              (SELECT count(*) FROM webhook_call WHERE due_at IS NOT NULL)]
            """, connection);
        return (long[])(await command.ExecuteScalarAsync())!;
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
