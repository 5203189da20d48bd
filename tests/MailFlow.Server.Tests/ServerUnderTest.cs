using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MailFlow.Server.Access;
using MailFlow.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Hosting;

namespace MailFlow.Server.Tests;

/// <summary>The whole server on a database and in a data directory of its own, reached in process.</summary>
internal sealed class ServerUnderTest : WebApplicationFactory<Program>
{
    private readonly TestDatabase _database;
    private readonly DirectoryInfo _folder;

    private readonly bool _samples, _workers;
    private readonly Action<IServiceCollection>? _configure;
    private readonly string? _allowedTargets, _publicAddress;

    private ServerUnderTest(TestDatabase database, DirectoryInfo folder, bool samples, bool workers, Action<IServiceCollection>? configure, string? allowedTargets, string? publicAddress) =>
        (_database, _folder, _samples, _workers, _configure, _allowedTargets, _publicAddress) = (database, folder, samples, workers, configure, allowedTargets, publicAddress);

    /// <summary>A client with the administrator's key.</summary>
    public HttpClient Admin { get; private set; } = null!;

    public Data.Database Database => _database.Database;

    public string DataDirectory => Path.Combine(_folder.FullName, "data");

    public string AdminKey => File.ReadAllText(Path.Combine(DataDirectory, "admin.key")).Trim();

    public string AdminPassword => File.ReadAllText(Path.Combine(DataDirectory, "admin.password")).Trim();

    /// <param name="time">The server's clock, for a server without workers: theirs would stand still.</param>
    /// <param name="allowedTargets">A private address that webhooks may call.</param>
    /// <param name="publicAddress">Where recipients reach it; null as without a setting.</param>
    public static async Task<ServerUnderTest> StartAsync(DatabaseKind kind = DatabaseKind.Sqlite, bool samples = false, bool workers = true, TimeProvider? time = null, Action<IServiceCollection>? configure = null, string? allowedTargets = null, string? publicAddress = "https://mail.example.org")
    {
        var database = await TestDatabase.CreateAsync(kind, time ?? TimeProvider.System);
        var server = new ServerUnderTest(database, Directory.CreateTempSubdirectory("mailflow-server-"), samples, workers, configure, allowedTargets, publicAddress);
        server.Admin = server.ClientWith(key: null);
        server.Admin.DefaultRequestHeaders.Authorization = new("Bearer", server.AdminKey);
        return server;
    }

    public HttpClient ClientWith(string? key)
    {
        var client = CreateClient();
        if (key is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    /// <summary>A browser on the server's own pages, nobody signed in.</summary>
    public HttpClient Browser()
    {
        var client = CreateClient();
        client.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        return client;
    }

    /// <summary>A browser in which this user signed in.</summary>
    public async Task<HttpClient> SignedInAsync(string email, string password)
    {
        var client = Browser();
        var answer = await client.PostAsJsonAsync("/api/v1/session", new { email, password });
        answer.EnsureSuccessStatusCode();
        return client;
    }

    /// <summary>A browser in which a new user of this role signed in: <c>role@example.org</c>, with <see cref="Password"/>.</summary>
    public async Task<HttpClient> SignedInAsync(Role role)
    {
        var email = $"{role.Word()}@example.org";
        (await Admin.PostAsJsonAsync("/api/v1/users", new { email, role = role.Word(), password = Password })).EnsureSuccessStatusCode();
        return await SignedInAsync(email, Password);
    }

    /// <summary>The password of the users that tests make.</summary>
    public const string Password = "a long enough password";

    /// <summary>The answer to a GET, asked again until it is as wanted: the server's own workers are at it meanwhile.</summary>
    public async Task<JsonElement> EventuallyAsync(string path, Func<JsonElement, bool> wanted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var answer = await (await Admin.GetAsync(path, patience.Token)).JsonAsync();
            if (wanted(answer)) return answer;
            await Task.Yield();
        }
    }

    /// <summary>A client whose key has these scopes only.</summary>
    public async Task<HttpClient> ClientWithScopesAsync(params string[] scopes)
    {
        var made = await Admin.PostAsJsonAsync("/api/v1/api-keys", new { name = "test", scopes });
        return ClientWith((await made.JsonAsync()).GetProperty("key").GetString());
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _database.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>All that runs in the background but the web server itself.</summary>
    private static bool IsWorker(ServiceDescriptor service) =>
        service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Namespace != "Microsoft.AspNetCore.Hosting";

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("MailFlow:DataDirectory", DataDirectory);
        builder.UseSetting("MailFlow:Samples", _samples.ToString());
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        if (_allowedTargets is not null) builder.UseSetting("MailFlow:Webhooks:Http:AllowedTargets:0", _allowedTargets);
        if (_publicAddress is not null) builder.UseSetting("MailFlow:Delivery:PublicBaseUrl", _publicAddress);
        builder.ConfigureTestServices(services =>
        {
            services.AddSingleton(_database.Database);
            services.AddSingleton(_database.Database.Time);
            services.Configure<PasswordHasherOptions>(hasher => hasher.IterationCount = 1000);
            if (!_workers)
                foreach (var worker in services.Where(IsWorker).ToList()) services.Remove(worker);
            _configure?.Invoke(services);
        });
    }
}

internal static class HttpExtensions
{
    public static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer) => JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;

    /// <summary>Asserts that it is a problem of this status and gives it.</summary>
    public static async Task<JsonElement> ProblemAsync(this HttpResponseMessage answer, int status)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{(int)answer.StatusCode} instead of {status}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        return problem;
    }
}
