using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>The engine on a database of its own, stepped by the test on a clock of its own.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    private readonly TestDatabase _test;
    private readonly ServiceProvider _services;
    private readonly List<Worker> _workers;
    private int _version;

    private EngineHost(TestDatabase test, Database database, ServiceProvider services, FakeTime time, int batchSize, int workers)
    {
        (_test, Database, _services, Time) = (test, database, services, time);
        _workers = [.. Enumerable.Range(0, workers).Select(_ => NewWorker(services, database, batchSize))];
    }

    public FakeTime Time { get; }

    public Database Database { get; }

    public Worker Worker => _workers[0];

    public IReadOnlyList<Worker> Workers => _workers;

    public JobRunner Jobs => _services.GetRequiredService<JobRunner>();

    public DeadLetters DeadLetters => _services.GetRequiredService<DeadLetters>();

    /// <param name="longestIdle">How long PostgreSQL lets a transaction stand idle.</param>
    public static async Task<EngineHost> CreateAsync(
        DatabaseKind kind, Action<IServiceCollection>? configure = null, int batchSize = Worker.BatchSize, int workers = 1, TimeSpan? longestIdle = null)
    {
        var time = new FakeTime();
        var test = await TestDatabase.CreateAsync(kind, time, typeof(Worker).Assembly, typeof(Audience.Contacts).Assembly);
        var database = longestIdle is { } idle ? Database.OpenPostgreSql(test.ConnectionString!, time, idle) : test.Database;
        var services = new ServiceCollection().AddLogging().AddSingleton(database).AddSingleton<TimeProvider>(time).AddSingleton(new Random(1));
        services.AddEngine().AddAudience();
        configure?.Invoke(services);
        var host = new EngineHost(test, database, services.BuildServiceProvider(), time, batchSize, workers);
        await host.Write(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (1, 'One', 0), (2, 'Two', 0)", default));
        return host;
    }

    /// <summary>The process starts again: a worker that knows nothing of what the last one did.</summary>
    public async Task RestartAsync()
    {
        _workers[0].Dispose();
        _workers[0] = NewWorker(_services, Database, _workers[0].MaxSize, ActivatorUtilities.CreateInstance<Catalog>(_services));
        await Worker.BeginAsync(default);
    }

    /// <summary>Users of one shard, in its order of work.</summary>
    public static List<string> UsersOfOneShard(int count, int account = 1, int shard = 7) =>
        [.. Enumerable.Range(0, int.MaxValue).Select(i => $"u{i}").Where(user => StableHash.Shard(account, user) == shard).Take(count)];

    /// <summary>A user of account 1 in this shard.</summary>
    public static string UserOf(int shard) => UsersOfOneShard(1, shard: shard)[0];

    /// <summary>Publishes a definition as the next version of its journey.</summary>
    public Task PublishAsync(string json, int account = 1) => Write(async session =>
    {
        var definition = WorkflowDefinition.Parse(json);
        var now = await session.NowAsync(default);
        var id = definition.DefinitionId!;
        await session.ExecuteAsync("""
            INSERT INTO journey (account_id, definition_id, name, created_at, updated_at) VALUES (@account, @id, @id, @now, @now) ON CONFLICT DO NOTHING
            """, default, ("account", account), ("id", id), ("now", now));
        var journey = await session.ScalarAsync<int>("SELECT id FROM journey WHERE account_id = @account AND definition_id = @id", default, ("account", account), ("id", id));
        var version = await session.ScalarAsync<long>("""
            INSERT INTO definition_version (account_id, journey_id, version, definition, created_at, published_at) VALUES (@account, @journey, @version, @json, @now, @now) RETURNING id
            """, default, ("account", account), ("journey", journey), ("version", ++_version), ("json", json), ("now", now));
        await session.ExecuteAsync("UPDATE journey SET published_version_id = @version WHERE id = @journey", default, ("version", version), ("journey", journey));
        await EngineEpoch.BumpAsync(session, default);
        return 0;
    });

    public Task PauseAsync(bool paused, string definitionId = "test") => Write(session => PauseAsync(session, paused, definitionId));

    /// <summary>As a pause or a resume does it, in its transaction.</summary>
    public static async Task PauseAsync(Session session, bool paused, string definitionId = "test")
    {
        await session.ExecuteAsync("UPDATE journey SET paused = @paused, resumed_at = @now WHERE definition_id = @id", default,
            ("paused", paused), ("now", await session.NowAsync(default)), ("id", definitionId));
        await EngineEpoch.BumpAsync(session, default);
        if (paused) return;
        var journey = await session.ScalarAsync<long>("SELECT id FROM journey WHERE definition_id = @id", default, ("id", definitionId));
        await Inbox.PostAsync(session, [.. Enumerable.Range(0, StableHash.Shards).Select(shard =>
            new InboxItem(1, shard, InboxKind.ResumeJourney, StableHash.Key("resume", shard.ToString()), null, JsonData.Write(new Dictionary<string, object?> { ["journey"] = journey })))], default);
    }

    public Task<IntakeResult> EventAsync(string type, string user = "ada", string payload = "{}", string? id = null, int account = 1) =>
        _services.GetRequiredService<EventIntake>().AcceptAsync(account, [NewEvent(type, user, payload, id)], default);

    public Task<IntakeResult> EventsAsync(IReadOnlyList<IncomingEvent> events, int account = 1) =>
        _services.GetRequiredService<EventIntake>().AcceptAsync(account, events, default);

    public IncomingEvent NewEvent(string type, string user, string payload = "{}", string? id = null) =>
        new(id ?? $"{type}-{user}-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow())}", type, user, Time.GetUtcNow(), payload, null);

    public Task CommandAsync(InboxKind kind, string user, Guid instance, int account = 1) => Write(async session =>
    {
        await Inbox.PostAsync(session, [InboxItem.For(account, user, kind, StableHash.Key(kind.ToString(), instance.ToString()), new Dictionary<string, object?> { ["instance"] = instance.ToString() })], default);
        return 0;
    });

    public Task StartAsync(string user = "ada", string definitionId = "test", string input = "{}", int account = 1, string? activity = null) => Write(async session =>
    {
        var id = StableHash.TimedKey(await session.NowAsync(default), StableHash.Key("by hand", user, definitionId));
        await Inbox.PostAsync(session, [InboxItem.StartInstance(account, user, id, definitionId, JsonData.ParseMap(input), underEntryRule: false, activity)], default);
        return 0;
    });

    /// <summary>Runs all that is due, jobs too.</summary>
    public async Task RunAsync()
    {
        do
        {
            // Of several, one that finds a shard locked leaves it to the other and may come home early.
            do await Task.WhenAll(_workers.Select(worker => Task.Run(() => worker.RunUntilIdleAsync(default))));
            while (_workers.Count > 1 && (await Worker.ShardsWithWorkAsync(default)).Count > 0);
        }
        while (await Jobs.RunOnceAsync(default) > 0);
    }

    /// <summary>Moves the clock on, stopping wherever something falls due.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        await RunAsync();
        var end = Time.GetUtcNow() + by;
        while (true)
        {
            var next = await Read(session => session.ScalarAsync<long?>("SELECT min(due_at) FROM (SELECT due_at FROM instance UNION ALL SELECT due_at FROM job) AS due", default));
            if (next is null || next > end.ToUnixTimeMilliseconds()) break;
            var step = DateTimeOffset.FromUnixTimeMilliseconds(next.Value) - Time.GetUtcNow();
            if (step > TimeSpan.Zero) Time.Advance(step);
            await RunAsync();
        }
        Time.Advance(end - Time.GetUtcNow());
        await RunAsync();
    }

    public async Task<List<Guid>> InstancesAsync() => await Read(session => session.QueryAsync("SELECT id FROM instance ORDER BY id", row => row.Uuid(0), default));

    public Task<List<InstanceStatus>> StatusesAsync() => Read(session => session.QueryAsync("SELECT status FROM instance ORDER BY id", row => (InstanceStatus)row.Int(0), default));

    /// <summary>What was written by Elsa's WriteLine, in order: "ada: text".</summary>
    public async Task<List<string>> LinesAsync(bool withUser = false)
    {
        var rows = await Read(session => session.QueryAsync("""
            SELECT c.user_id, h.steps, h.at FROM history h JOIN contact c ON c.id = h.contact_id ORDER BY h.at
            """, row => (User: row.Text(0), Steps: JsonNode.Parse(row.Text(1))!.AsArray(), At: row.Long(2)), default));
        return [.. rows.SelectMany(row => row.Steps.Where(step => step![1]!.GetValue<string>() == "C" && step.AsArray().Count > 3).Select(step => (withUser ? row.User + ": " : "") + step![3]!.GetValue<string>()))];
    }

    /// <summary>All lines of history of all, in order: "node event outcome text".</summary>
    public async Task<List<string>> HistoryAsync() => [.. (await Read(session => session.QueryAsync(
        "SELECT steps FROM history ORDER BY at", row => JsonNode.Parse(row.Text(0))!.AsArray(), default))).SelectMany(steps => steps.Select(step => string.Join(' ', step!.AsArray().Select(part => part?.ToString()))))];

    public async Task<Dictionary<CountKind, long>> CountsAsync() => (await Read(session => session.QueryAsync(
        "SELECT kind, sum(n) FROM journey_count GROUP BY kind", row => ((CountKind)row.Int(0), Convert.ToInt64(row.Double(1))), default))).ToDictionary(p => p.Item1, p => p.Item2);

    public Task<T> Read<T>(Func<Session, Task<T>> read) => Database.ReadAsync(read, default);

    public Task Write(Func<Session, Task> write) => Database.WriteAsync(write, default);

    public Task<T> Write<T>(Func<Session, Task<T>> write) => Database.WriteAsync(write, default);

    private static Worker NewWorker(ServiceProvider services, Database database, int batchSize, Catalog? catalog = null) => new(
        database, catalog ?? services.GetRequiredService<Catalog>(), services.GetRequiredService<IServiceScopeFactory>(), services.GetRequiredService<WorkSignal>(),
        services.GetRequiredService<IFaultPoints>(), NullLogger<Worker>.Instance, "test", batchSize);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        if (Database != _test.Database) await Database.DisposeAsync();
        await _test.DisposeAsync();
    }
}
