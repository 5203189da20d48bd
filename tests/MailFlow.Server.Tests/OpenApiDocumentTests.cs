using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailFlow.Server.Tests;

/// <summary><c>docs/openapi.json</c>, which the console's types are made from, is what the server serves.</summary>
public sealed class OpenApiDocumentTests
{
    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Seen red with an endpoint added.
    [Fact]
    public async Task The_committed_description_of_the_api_is_what_the_server_serves()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var served = JsonNode.Parse(await server.Admin.GetStringAsync("/openapi/v1.json"))!.AsObject();
        served.Remove("servers"); // the address of this test's server
        var text = served.ToJsonString(Written) + "\n";

        var file = Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "docs", "openapi.json");
        if (Environment.GetEnvironmentVariable("MAILFLOW_WRITE_OPENAPI") == "1") await File.WriteAllTextAsync(file, text);
        Assert.True(text == await File.ReadAllTextAsync(file),
            "docs/openapi.json differs from what the server serves: MAILFLOW_WRITE_OPENAPI=1 dotnet test tests/MailFlow.Server.Tests --filter OpenApiDocumentTests writes it");
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
