using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests;

/// <summary>The module as the server composes it, over a database of its own. <see cref="Start"/> starts the process anew.</summary>
internal sealed class DeliveryFixture : IAsyncDisposable
{
    private readonly TestDatabase _test;
    private readonly List<ServiceProvider> _processes = [];
    private int _planned;

    private DeliveryFixture(TestDatabase test, FakeTime time) => (_test, Time) = (test, time);

    public Database Database => _test.Database;

    public FakeTime Time { get; }

    public IEmailProvider? Provider { get; set; }

    public DeliveryOptions Options { get; set; } = new() { Node = "node-1", PublicBaseUrl = "https://mail.example.org", Sender = new("Shop", "hello@shop.example", null, "1 High Street") };

    public List<ISendGate> Gates { get; } = [];

    public long Now => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public Messages Messages => Get<Messages>();

    public static async Task<DeliveryFixture> CreateAsync(DatabaseKind kind, IEmailProvider? provider = null)
    {
        var time = new FakeTime();
        var test = await TestDatabase.CreateAsync(
            kind, time, typeof(IContactStore).Assembly, typeof(Contacts).Assembly, typeof(TemplateRenderer).Assembly, typeof(Messages).Assembly);
        var fixture = new DeliveryFixture(test, time) { Provider = provider };
        fixture.Start();
        await test.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (1, 'One', 0), (2, 'Two', 0)", default), default);
        await fixture.TemplateAsync("welcome", "Welcome {{contact.first_name}}");
        return fixture;
    }

    /// <summary>A process of its own: the earlier ones are as if killed.</summary>
    public MessageSender Start(IFaultPoints? faults = null, DeliveryOptions? options = null, Action<IServiceCollection>? services = null)
    {
        var all = new ServiceCollection()
            .AddSingleton(Database)
            .AddSingleton<TimeProvider>(Time)
            .AddSingleton(new Random(42))
            .AddSingleton(faults ?? FaultPoints.None)
            .AddSingleton<ISecretBox, PlainSecretBox>()
            .AddLogging();
        if (Provider is not null) all.AddSingleton(Provider);
        foreach (var gate in Gates) all.AddSingleton(gate);
        all.AddEngine().AddAudience().AddContent().AddDelivery(options ?? Options);
        services?.Invoke(all);
        var process = all.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true });
        _processes.Add(process);
        return process.GetRequiredService<MessageSender>();
    }

    public T Get<T>() where T : notnull => _processes[^1].GetRequiredService<T>();

    /// <summary>Runs rounds until nothing is due.</summary>
    public async Task<int> SendAllAsync(MessageSender? sender = null)
    {
        sender ??= Get<MessageSender>();
        var total = 0;
        for (var round = 0; round < 1000; round++)
        {
            var looked = await sender.RunOnceAsync(default);
            if (looked == 0) return total;
            total += looked;
        }
        throw new InvalidOperationException("The sender does not come to rest.");
    }

    public async Task TemplateAsync(string key, string subject, string html = "<p>Hello {{contact.email}}</p>", int account = 1) =>
        await Get<Templates>().PutAsync(account, key, new TemplateSource(subject, html), default);

    public async Task<Contact> ContactAsync(string userId, string? email = "?", int account = 1)
    {
        var fields = new Dictionary<string, object?> { ["first_name"] = userId };
        if (email is not null) fields["email"] = email == "?" ? $"{userId}@example.org" : email;
        return await Database.WriteAsync(async session =>
        {
            await session.LockShardAsync(StableHash.Shard(account, userId), wait: true, default);
            var store = Get<IContactStore>();
            var contact = (await store.FindOrCreateAsync(session, [(account, userId)], Now, default))[0];
            await store.ApplyAsync(session, [new ContactChange(contact, fields)], "test", Now, default);
            return contact;
        }, default);
    }

    /// <summary>A journey's row, as a publish writes it.</summary>
    public Task<int> JourneyAsync(string definitionId = "welcome-series", int account = 1) => Database.WriteAsync(session => session.ScalarAsync<int>(
        "INSERT INTO journey (account_id, definition_id, name, created_at, updated_at) VALUES (@account, @id, @id, 0, 0) RETURNING id",
        default, ("account", account), ("id", definitionId)), default);

    public Task PauseAsync(int journey, bool paused) => Database.WriteAsync(session => session.ExecuteAsync(
        "UPDATE journey SET paused = @paused WHERE id = @id", default, ("paused", paused), ("id", journey)), default);

    public PlannedMessage Plan(Contact contact, string template = "welcome") => new()
    {
        Id = StableHash.TimedKey(Now, StableHash.Key("test", (++_planned).ToString())),
        AccountId = contact.AccountId,
        ContactId = contact.Id,
        UserId = contact.UserId,
        Template = template,
        TemplateVersion = 1,
        Stream = MessageStream.Marketing,
        Snapshot = """{"trigger":{"event_type":"user_signed_up"},"journey":{"id":"welcome-series","name":"Welcome"}}""",
    };

    public async Task<Guid> QueueAsync(Contact contact, Func<PlannedMessage, PlannedMessage>? with = null)
    {
        var message = with is null ? Plan(contact) : with(Plan(contact));
        await Database.WriteAsync(session => Ledger.PlanAsync(session, [message], Now, default), default);
        return message.Id;
    }

    public async Task<IReadOnlyList<Guid>> QueueManyAsync(int count, int account = 1, Func<PlannedMessage, PlannedMessage>? with = null)
    {
        var contacts = await Database.WriteAsync(async session =>
        {
            var store = Get<IContactStore>();
            var made = await store.FindOrCreateAsync(session, [.. Enumerable.Range(0, count).Select(i => (account, $"user-{i}"))], Now, default);
            await store.ApplyAsync(session, [.. made.Select(contact => new ContactChange(contact, new Dictionary<string, object?> { ["email"] = $"{contact.UserId}@example.org" }))], "test", Now, default);
            return made;
        }, default);
        var messages = contacts.Select(contact => with is null ? Plan(contact) : with(Plan(contact))).ToList();
        await Database.WriteAsync(session => Ledger.PlanAsync(session, messages, Now, default), default);
        return [.. messages.Select(message => message.Id)];
    }

    /// <summary>Whether a transaction waits for another's rows, or for a lock of ours, at this moment; of PostgreSQL.</summary>
    public bool IsAnyWaiting()
    {
        using (ExecutionContext.SuppressFlow())
            return Task.Run(() => Database.ReadAsync(session => session.ScalarAsync<bool>(
                """
                SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_locks h ON h.locktype = l.locktype AND h.transactionid = l.transactionid AND h.granted WHERE NOT l.granted AND l.locktype = 'transactionid')
                OR EXISTS (SELECT 1 FROM pg_locks l WHERE NOT l.granted AND l.locktype = 'advisory' AND l.classid::bigint = @space)
                """, default, ("space", (long)unchecked((uint)StableHash.Of(Database.Schema)))), default)).GetAwaiter().GetResult();
    }

    public async Task<Message> FindAsync(Guid id, int account = 1) => (await Messages.FindAsync(account, id, default))!;

    public async Task<(MessageState State, string? Reason)> StateAsync(Guid id) => await FindAsync(id) is var message ? (message.State, message.Reason) : default;

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
        await _test.DisposeAsync();
    }
}

/// <summary>Dies on the given visit to a labelled point.</summary>
internal sealed class CrashAt(string point, int visit = 1) : IFaultPoints
{
    private int _visits;

    public bool Reached => _visits >= visit;

    public void Reach(string name)
    {
        if (name == point && Interlocked.Increment(ref _visits) == visit) throw new CrashException(name);
    }
}

internal sealed class CrashException(string point) : Exception($"crashed at {point}");
