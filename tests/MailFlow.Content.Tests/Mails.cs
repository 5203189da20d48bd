using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Content.Tests;

/// <summary>The content module over a database of its own, with a sender, a contact and an event to render with.</summary>
internal sealed class Mails : IAsyncDisposable
{
    public const int Account = 1;
    public const string Url = "https://mail.example.test/u?token=abc-1_2";
    public const string Address = "1 Main Street, Springfield, IL 62701, USA";

    private readonly TestDatabase _test;
    private readonly ServiceProvider _services;

    private Mails(TestDatabase test, ServiceProvider services) => (_test, _services) = (test, services);

    public Templates Templates => _services.GetRequiredService<Templates>();

    public TemplateRenderer Renderer => _services.GetRequiredService<TemplateRenderer>();

    public Database Database => _test.Database;

    public FakeTime Time => (FakeTime)_test.Database.Time;

    public static async Task<Mails> CreateAsync(DatabaseKind kind = DatabaseKind.Sqlite, Action<IServiceCollection>? configure = null)
    {
        var test = await TestDatabase.CreateAsync(kind, null, typeof(Templates).Assembly);
        return new Mails(test, Provide(test.Database, configure));
    }

    /// <summary>Another process on the same database.</summary>
    public ServiceProvider AnotherNode() => Provide(Database, null);

    public Task<TemplateVersion> PutAsync(string key, string html, string subject = "Hello", string? text = null, string? layout = null, int account = Account) =>
        Templates.PutAsync(account, key, new TemplateSource(subject, html, text, layout, MessageStream.Transactional), default);

    public async Task<RenderedEmail> RenderAsync(string key, IReadOnlyDictionary<string, object?>? model = null, MessageStream stream = MessageStream.Transactional, string? subject = null, int? version = null)
    {
        version ??= (await Database.ReadAsync(session => Templates.LatestVersionsAsync(session, Account, [key], default), default))[key];
        return await Renderer.RenderAsync(Account, key, version.Value, model ?? Model(), stream, subject, default);
    }

    /// <summary>Puts a template and renders it.</summary>
    public async Task<RenderedEmail> MailAsync(string html, string subject = "Hello", string? text = null, IReadOnlyDictionary<string, object?>? model = null, MessageStream stream = MessageStream.Transactional)
    {
        await PutAsync("mail", html, subject, text);
        return await RenderAsync("mail", model, stream);
    }

    /// <summary>A model, its parts replaced by JSON where given.</summary>
    public static IReadOnlyDictionary<string, object?> Model(string? contact = null, string? @event = null, string? sender = null, bool unsubscribe = true)
    {
        var model = new Dictionary<string, object?>
        {
            ["contact"] = JsonData.Parse(contact ?? """{"user_id":"u1","email":"ada@example.test","first_name":"Ada","last_name":null,"tags":["vip"]}"""),
            ["event"] = JsonData.Parse(@event ?? """{"total":1234.5,"at":"2026-03-29T01:30:00Z","items":[{"name":"Tea","price":4},{"name":"Cup & saucer","price":12.25}]}"""),
            ["trigger"] = JsonData.Empty,
            ["journey"] = JsonData.Parse("""{"name":"Welcome"}"""),
            ["sender"] = JsonData.Parse(sender ?? $$"""{"name":"Acme Ltd","email":"hello@acme.test","postal_address":"{{Address}}"}"""),
            ["message"] = JsonData.Parse("""{"id":"0192"}"""),
        };
        if (unsubscribe) model["unsubscribe_url"] = Url;
        return model;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _test.DisposeAsync();
    }

    private static ServiceProvider Provide(Database database, Action<IServiceCollection>? configure)
    {
        var services = new ServiceCollection().AddSingleton(database).AddSingleton(database.Time).AddContent();
        configure?.Invoke(services);
        return services.BuildServiceProvider();
    }
}
