using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;

namespace MailFlow.Ingestion.Tests;

/// <summary>Servers as processes of their own on one PostgreSQL, gone with this object.</summary>
internal sealed class Nodes : IAsyncDisposable
{
    private readonly TestDatabase _test;
    private readonly List<(ServerProcess Server, string Folder)> _nodes = [];

    private Nodes(TestDatabase test) => _test = test;

    public static async Task<Nodes> CreateAsync() => new(await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System));

    public Task<ServerProcess> StartAsync(params (string Name, string Value)[] settings) => StartAsync([], settings);

    /// <param name="environment">Variables that are not MailFlow's.</param>
    /// <param name="settings">Those of ingestion.</param>
    public async Task<ServerProcess> StartAsync((string Name, string Value)[] environment, params (string Name, string Value)[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("mailflow-ingestion-").FullName;
        // The first one makes the key; the others are given it, as a shared data directory would.
        if (_nodes.Count > 0) File.Copy(Path.Combine(_nodes[0].Folder, "admin.key"), Path.Combine(folder, "admin.key"));
        var server = await ServerProcess.StartAsync(folder, _test.ConnectionString, [("MailFlow__Samples", "false"), .. environment, .. settings.Select(each => ($"MailFlow__Ingestion__{each.Name}", each.Value))]);
        _nodes.Add((server, folder));
        return server;
    }

    public Task<long> CountAsync(string sql) => _test.Database.ReadAsync(session => session.ScalarAsync<long>(sql, default), default);

    /// <summary>The contacts' events in the order in which they were handled.</summary>
    public Task<List<(string User, string Event)>> HandledAsync() => _test.Database.ReadAsync(session => session.QueryAsync(
        "SELECT contact.user_id, event.event_id FROM event JOIN contact ON contact.id = event.contact_id ORDER BY event.id", row => (row.Text(0), row.Text(1)), default), default);

    /// <summary>Publishes a journey that each <c>tested</c> event enters.</summary>
    public static async Task PublishAsync(ServerProcess server)
    {
        await OkAsync(server.Client.PutAsJsonAsync("/api/v1/journeys/counted", JsonNode.Parse("""
            {"name":"Counted","root":{"id":"flow","type":"Elsa.Flowchart","activities":[
              {"id":"tested","type":"MailFlow.EventReceived","eventType":"tested","customProperties":{"canStartWorkflow":true}},
              {"id":"line","type":"Elsa.WriteLine","text":"here"}],
             "connections":[{"source":{"activity":"tested","port":"Done"},"target":{"activity":"line","port":"In"}}]}}
            """)));
        await OkAsync(server.Client.PostAsync("/api/v1/journeys/counted/publish", null));
    }

    public static async Task OkAsync(Task<HttpResponseMessage> call)
    {
        var answer = await call;
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Runs a program to its end; fails when it does.</summary>
    public static async Task RunAsync(string program, string[] arguments, string input = "")
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {errors}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (server, folder) in _nodes)
        {
            await server.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
        await _test.DisposeAsync();
    }
}
