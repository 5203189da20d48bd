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

    // Seen red: it showed an array alone.
    [Fact]
    public async Task Events_are_described_as_one_or_an_array_with_examples_that_are_taken()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var served = JsonNode.Parse(await server.Admin.GetStringAsync("/openapi/v1.json"))!;
        var body = served["paths"]!["/api/v1/events"]!["post"]!["requestBody"]!["content"]!["application/json"]!;

        var choices = body["schema"]!["oneOf"]!.AsArray();
        Assert.Equal("#/components/schemas/Event", choices[0]!["$ref"]!.GetValue<string>());
        Assert.Equal(("array", "#/components/schemas/Event", 1000),
            (choices[1]!["type"]!.GetValue<string>(), choices[1]!["items"]!["$ref"]!.GetValue<string>(), choices[1]!["maxItems"]!.GetValue<int>()));
        var schema = served["components"]!["schemas"]!["Event"]!;
        Assert.Equal(["event_id", "event_type", "user_id"], schema["required"]!.AsArray().Select(member => member!.GetValue<string>()));
        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
        Assert.All(schema["properties"]!.AsObject(), member => Assert.Contains("\"description\"", member.Value!.ToJsonString()));

        var examples = body["examples"]!.AsObject();
        Assert.Equal(["one", "many"], examples.Select(example => example.Key));
        foreach (var example in examples)
            Assert.Equal("[]", (await (await server.Admin.PostAsync("/api/v1/events", HttpExtensions.Json(example.Value!["value"]!.ToJsonString()))).JsonAsync()).GetProperty("rejected").GetRawText());
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
