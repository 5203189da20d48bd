using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Benchmarks;

/// <summary>All modules on an empty database with durable commits, without the web server.</summary>
internal sealed class BenchHost : IAsyncDisposable
{
    private readonly TestDatabase _test;
    private readonly ServiceProvider _services;

    private BenchHost(TestDatabase test, ServiceProvider services, ShiftedTime time, StubProvider provider, SendGridStub? sendGrid) =>
        (_test, _services, Time, Provider, SendGrid) = (test, services, time, provider, sendGrid);

    public ShiftedTime Time { get; }

    public StubProvider Provider { get; }

    /// <summary>SendGrid's stub, where mail is to leave over HTTP.</summary>
    public SendGridStub? SendGrid { get; }

    public Database Database => _test.Database;

    public TestDatabase Test => _test;

    public Worker Worker => Get<Worker>();

    /// <summary>Makes one.</summary>
    /// <param name="kind">The database.</param>
    /// <param name="overHttp">Whether mail leaves by SendGrid's sender, to a stub.</param>
    /// <param name="batch">The most stimuli in a batch.</param>
    public static async Task<BenchHost> CreateAsync(DatabaseKind kind, bool overHttp = false, int batch = Worker.BatchSize)
    {
        if (kind == DatabaseKind.PostgreSql) PostgresServer.UseDurable();
        var time = new ShiftedTime();
        var test = await TestDatabase.CreateAsync(kind, time, typeof(Worker).Assembly, typeof(Audience.Contacts).Assembly, typeof(Templates).Assembly, typeof(Messages).Assembly, typeof(JourneyDefinitions).Assembly);
        var provider = new StubProvider();
        var sendGrid = overHttp ? await SendGridStub.StartAsync() : null;
        var options = new DeliveryOptions { PublicBaseUrl = "https://mail.bench.example", Sender = new("Bench", "hello@bench.example", null, "1 High Street") };
        if (sendGrid is not null) options = options with { ProviderEndpoints = new Dictionary<string, string> { ["sendgrid"] = sendGrid.Address } };
        var services = new ServiceCollection().AddLogging().AddSingleton(test.Database).AddSingleton<TimeProvider>(time).AddSingleton<ISecretBox, PlainSecretBox>().AddSingleton<IEmailProvider>(provider);
        services.AddEngine().AddAudience().AddContent().AddDelivery(options).AddJourneys();
        services.AddSingleton(provider => new Worker(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<Catalog>(), provider.GetRequiredService<IServiceScopeFactory>(), provider.GetRequiredService<WorkSignal>(),
            provider.GetRequiredService<IFaultPoints>(), provider.GetRequiredService<ILogger<Worker>>(), provider.GetRequiredService<EngineNode>().Name, batch));
        var host = new BenchHost(test, services.BuildServiceProvider(), time, provider, sendGrid);
        await test.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (1, 'Bench', 0), (2, 'Other', 0)", default), default);
        return host;
    }

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    /// <summary>The journey that was measured with Elsa 3: event, decision, mail, wait 6 h, decision, mail, end.</summary>
    public async Task PublishAsync()
    {
        await Get<Templates>().PutAsync(1, "bench", new TemplateSource("Hello {{contact.first_name}}",
            "<html><body><p>Hello {{contact.first_name}},</p><p>your plan is {{contact.plan}}.</p><p>{{sender.postal_address}} <a href=\"{{unsubscribe_url}}\">Unsubscribe</a></p></body></html>",
            null, null, MessageStream.Marketing), default);
        await PublishAsync("bench", await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "bench-journey.json")));
    }

    public async Task PublishAsync(string definitionId, string json, int account = 1)
    {
        var journeys = Get<JourneyDefinitions>();
        await journeys.SaveDraftAsync(account, definitionId, json, default);
        var result = await journeys.PublishAsync(account, definitionId, default);
        if (result.Findings.Any(finding => finding.Severity == Severity.Error))
            throw new InvalidOperationException(string.Join("; ", result.Findings.Select(finding => finding.Message)));
    }

    public IncomingEvent SignUp(int user) => Event("user_signed_up", user);

    public IncomingEvent Event(string type, int user) => new($"e-{user}", type, $"user-{user}", Time.GetUtcNow(),
        $$"""{"plan":"pro","source":"landing-page","contact":{"email":"user{{user}}@example.org","first_name":"User {{user}}","plan":"pro"} }""", null);

    /// <summary>Has this many contacts sign up, a thousand events a call.</summary>
    public async Task SignUpAsync(int contacts)
    {
        foreach (var group in Enumerable.Range(0, contacts).Chunk(1_000))
            await Get<EventIntake>().AcceptAsync(1, [.. group.Select(SignUp)], default);
    }

    /// <summary>Runs all shards until nothing is due, with this many workers at once; gives the transitions.</summary>
    public async Task<long> DrainAsync(int workers)
    {
        long transitions = 0;
        while (true)
        {
            var shards = new Queue<int>(await Worker.ShardsWithWorkAsync(default));
            if (shards.Count == 0) return transitions;
            await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(async () =>
            {
                while (true)
                {
                    int shard;
                    lock (shards)
                        if (!shards.TryDequeue(out shard)) return;
                    while (true)
                    {
                        var turn = await Worker.RunOnceAsync(shard, default);
                        Interlocked.Add(ref transitions, turn.Transitions);
                        if (!turn.HasMore) break;
                    }
                }
            })));
        }
    }

    /// <summary>Has the workers go on by themselves, as in the server, until they are disposed of.</summary>
    public async Task<IAsyncDisposable> WorkAsync()
    {
        var loop = new WorkerLoop(Worker, Get<WorkSignal>(), Get<EffectSignal>(), Database, new HasStarted(), NullLogger<WorkerLoop>.Instance);
        await loop.StartAsync(default);
        return new Stopping(loop);
    }

    public Task<long> CountAsync(string sql) => Database.ReadAsync(session => session.ScalarAsync<long>(sql, default), default);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        if (SendGrid is not null) await SendGrid.DisposeAsync();
        await _test.DisposeAsync();
    }

    private sealed class Stopping(WorkerLoop loop) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await loop.StopAsync(default);
            loop.Dispose();
        }
    }

    /// <summary>The life of a host that has come up.</summary>
    private sealed class HasStarted : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted { get; } = new(canceled: true);

        public CancellationToken ApplicationStopping => default;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() { }
    }
}
