using System.Text.Json;
using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Journeys.Webhooks;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Journeys.Tests;

/// <summary>Everything but the web server, on a database and a clock of its own, stepped by the test.</summary>
internal sealed class JourneyHost : IAsyncDisposable
{
    public const int Account = 1;
    private readonly TestDatabase _test;
    private readonly List<ServiceProvider> _processes = [];
    private readonly WebhookOptions? _webhooks;
    private int _events;

    private JourneyHost(TestDatabase test, FakeTime time, WebhookOptions? webhooks) => (_test, Time, _webhooks) = (test, time, webhooks);

    public FakeTime Time { get; }

    public Database Database => _test.Database;

    /// <summary>PostgreSQL's; null for SQLite.</summary>
    public string? ConnectionString => _test.ConnectionString;

    public JourneyDefinitions Journeys => Get<JourneyDefinitions>();

    public Instances Instances => Get<Instances>();

    public ContactTrace Trace => Get<ContactTrace>();

    public T Get<T>() where T : notnull => _processes[^1].GetRequiredService<T>();

    /// <summary>A process of its own on the same database: the earlier ones are as if killed, or go on beside it.</summary>
    public IServiceProvider Start(Action<IServiceCollection>? configure = null)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(_test.Database).AddSingleton<TimeProvider>(Time).AddSingleton(new Random(1)).AddSingleton<ISecretBox, PlainSecretBox>();
        configure?.Invoke(services);
        services.AddEngine().AddAudience().AddContent()
            .AddDelivery(new DeliveryOptions { Node = "test", PublicBaseUrl = "https://mail.example.org", Sender = new("Northwind", "hello@example.org", null, "1 High Street, London") })
            .AddJourneys(_webhooks);
        _processes.Add(services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true }));
        return _processes[^1];
    }

    public static async Task<JourneyHost> CreateAsync(DatabaseKind kind, Action<IServiceCollection>? configure = null, WebhookOptions? webhooks = null, FakeTime? time = null)
    {
        time ??= new FakeTime();
        var test = await TestDatabase.CreateAsync(kind, time, typeof(Worker).Assembly, typeof(Contacts).Assembly, typeof(Templates).Assembly, typeof(Messages).Assembly, typeof(JourneyDefinitions).Assembly);
        var host = new JourneyHost(test, time, webhooks);
        host.Start(configure);
        await host.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (1, 'One', 0), (2, 'Two', 0)", default), default);
        return host;
    }

    /// <summary>A host with all samples saved, and these published.</summary>
    public static async Task<JourneyHost> WithSamplesAsync(DatabaseKind kind, params string[] published)
    {
        var host = await CreateAsync(kind);
        foreach (var (key, json) in Samples.Templates()) await host.PutTemplateAsync(key, json);
        foreach (var (key, json) in Samples.Segments())
            await host.Get<Segments>().PutAsync(Account, key, (string)JsonData.ParseMap(json)["name"]!, (string)JsonData.ParseMap(json)["rule"]!, default);
        foreach (var (key, json) in Samples.Journeys()) await host.Journeys.SaveDraftAsync(Account, key, json, default);
        foreach (var key in published) Assert.True((await host.Journeys.PublishAsync(Account, key, default)).IsPublished);
        return host;
    }

    public async Task<TemplateVersion> PutTemplateAsync(string key, string json)
    {
        var members = JsonData.ParseMap(json);
        var stream = members.GetValueOrDefault("stream") is "transactional" ? MessageStream.Transactional : MessageStream.Marketing;
        return await Get<Templates>().PutAsync(Account, key,
            new TemplateSource((string)members["subject"]!, (string)members["html"]!, members.GetValueOrDefault("text") as string, members.GetValueOrDefault("layout") as string, stream), default);
    }

    /// <summary>Saves and publishes; fails the test when the linter finds an error.</summary>
    public async Task PublishAsync(string definitionId, string json)
    {
        await Journeys.SaveDraftAsync(Account, definitionId, json, default);
        var result = await Journeys.PublishAsync(Account, definitionId, default);
        Assert.True(result.IsPublished, string.Join('\n', result.Findings));
    }

    /// <summary>An event comes in, and all that it causes is done.</summary>
    public async Task EventAsync(string type, string user, object payload)
    {
        var accepted = await Get<EventIntake>().AcceptAsync(Account, [new IncomingEvent($"e{++_events}", type, user, Time.GetUtcNow(), JsonSerializer.Serialize(payload), null)], default);
        Assert.Equal(1, accepted.Accepted);
        await RunAsync();
    }

    /// <summary>Does all that is due: batches, jobs, mail.</summary>
    public async Task RunAsync()
    {
        bool more;
        do
        {
            more = await Get<Worker>().RunUntilIdleAsync(default) > 0;
            more |= await Get<JobRunner>().RunOnceAsync(default) > 0;
            more |= await Get<MessageSender>().RunOnceAsync(default) > 0;
        }
        while (more);
    }

    /// <summary>Moves the clock on, stopping wherever something falls due.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        await RunAsync();
        var end = Time.GetUtcNow() + by;
        while (await NextDueAsync() is { } next && next <= end)
        {
            if (next > Time.GetUtcNow()) Time.Advance(next - Time.GetUtcNow());
            await RunAsync();
        }
        Time.Advance(end - Time.GetUtcNow());
        await RunAsync();
    }

    public Task AdvanceToAsync(string instant) => AdvanceAsync(DateTimeOffset.Parse(instant) - Time.GetUtcNow());

    /// <summary>The templates of the mail sent to an address, in order, with when each was sent.</summary>
    public async Task<List<string>> SentAsync(string to, bool withTime = false) =>
        [.. (await MailboxAsync(to)).Select(mail => withTime ? $"{mail.At.UtcDateTime:yyyy-MM-dd HH:mm} {mail.Template}" : mail.Template)];

    public async Task<IReadOnlyList<CapturedEmail>> MailboxAsync(string to) => [.. (await Get<SandboxMailbox>().ListAsync(Account, to, null, 1000, default)).Items.OrderBy(mail => mail.At)];

    public async Task<string> StatsAsync(string journey)
    {
        var stats = await Journeys.StatsAsync(Account, journey, default);
        Assert.Equal(stats.Entered, stats.Waiting + stats.Completed + stats.Exited + stats.Faulted);
        return $"entered {stats.Entered}, waiting {stats.Waiting}, completed {stats.Completed}, exited {stats.Exited}, faulted {stats.Faulted}";
    }

    public async Task<List<Guid>> InstanceIdsAsync() => await Database.ReadAsync(session => session.QueryAsync("SELECT id FROM instance ORDER BY id", row => row.Uuid(0), default), default);

    public async Task<IReadOnlyDictionary<string, object?>> ContactAsync(string user) => (await Database.WriteAsync(session =>
        Get<IContactStore>().FindOrCreateAsync(session, [(Account, user)], Time.GetUtcNow().ToUnixTimeMilliseconds(), default), default))[0].Fields;

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
        await _test.DisposeAsync();
    }

    private async Task<DateTimeOffset?> NextDueAsync() => await Database.ReadAsync(session => session.FirstAsync("""
        SELECT min(due_at) FROM (SELECT due_at FROM instance UNION ALL SELECT due_at FROM job UNION ALL SELECT due_at FROM message) AS due
        """, row => row.InstantOrNull(0), default), default);
}
