using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Audience.Tests;

/// <summary>The module as the server composes it, over a database of its own.</summary>
internal sealed class AudienceFixture : IAsyncDisposable
{
    private readonly TestDatabase _test;
    private readonly ServiceProvider _services;

    private AudienceFixture(TestDatabase test, FakeTime time)
    {
        (_test, Time) = (test, time);
        _services = new ServiceCollection()
            .AddSingleton(test.Database)
            .AddSingleton<TimeProvider>(time)
            .AddSingleton<IContactChanged>(Announced)
            .AddSingleton<RecordedEvents>()
            .AddAudience()
            .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true });
    }

    public Database Database => _test.Database;

    public FakeTime Time { get; }

    public AnnouncedContacts Announced { get; } = new();

    public IContactStore Store => Get<IContactStore>();

    public Contacts Contacts => Get<Contacts>();

    public Consents Consents => Get<Consents>();

    public Suppressions Suppressions => Get<Suppressions>();

    public Segments Segments => Get<Segments>();

    public long Now => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public static async Task<AudienceFixture> CreateAsync(DatabaseKind kind)
    {
        var time = new FakeTime();
        return new(await TestDatabase.CreateAsync(kind, time, typeof(IContactStore).Assembly, typeof(Contacts).Assembly), time);
    }

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    public Task<IReadOnlyList<Contact>> CreateAsync(int account, params string[] users) =>
        Database.WriteAsync(session => Store.FindOrCreateAsync(session, [.. users.Select(user => (account, user))], Now, default), default);

    public Task<IReadOnlySet<Contact>> ApplyAsync(params ContactChange[] changes) =>
        Database.WriteAsync(session => Store.ApplyAsync(session, changes, "event", Now, default), default);

    public Task<IReadOnlySet<Contact>> ApplyAsync(Contact contact, string fields) =>
        ApplyAsync(new ContactChange(contact, JsonData.ParseMap(fields)));

    public async Task<Contact> ReloadAsync(Contact contact) =>
        (await Database.ReadAsync(session => Store.LoadAsync(session, [contact.Id], default), default)).Single();

    /// <summary>Runs a batch activity with one input for every contact; the contacts then show what it changed.</summary>
    public async Task<IReadOnlyList<Decision>> RunAsync<TInput>(BatchActivity<TInput> activity, TInput input, IReadOnlyList<Contact> contacts, JourneyRules? rules = null)
        where TInput : class
    {
        var steps = contacts.Select(contact => new TestStep(userId: contact.UserId, contact: contact.Fields, contactId: contact.Id, rules: rules)).ToArray();
        var decisions = await ActivityRun.Of(activity, input, _test, steps);
        foreach (var (contact, step) in contacts.Zip(steps)) contact.Fields = step.Contact.Fields;
        return decisions;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _test.DisposeAsync();
    }
}

/// <summary>Stands for the engine's inbox.</summary>
internal sealed class AnnouncedContacts : IContactChanged
{
    public List<string> Users { get; } = [];

    public Task AnnounceAsync(Session session, IReadOnlyList<Contact> contacts, CancellationToken ct)
    {
        Users.AddRange(contacts.Select(contact => contact.UserId));
        return Task.CompletedTask;
    }
}
