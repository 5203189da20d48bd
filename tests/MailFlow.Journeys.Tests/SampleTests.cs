using System.Text.Json.Nodes;
using MailFlow.Testing;

namespace MailFlow.Journeys.Tests;

public class SampleTests
{
    public static TheoryData<string> Keys => [.. Samples.Journeys().Select(sample => sample.Key)];

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Every_sample_is_taken_and_published_without_a_finding(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        foreach (var (key, json) in Samples.Templates())
            Assert.Empty((await host.PutTemplateAsync(key, json)).Warnings);
        await using var all = await JourneyHost.WithSamplesAsync(kind);
        foreach (var (key, _) in Samples.Journeys())
        {
            var result = await all.Journeys.PublishAsync(JourneyHost.Account, key, default);
            Assert.True(result.IsPublished, $"{key}: {string.Join('\n', result.Findings)}");
            Assert.Empty(result.Findings);
        }
    }

    [Theory, MemberData(nameof(Keys))]
    public async Task Every_sample_comes_back_as_it_was_put(string key)
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        await host.Journeys.SaveDraftAsync(JourneyHost.Account, key, Samples.Journey(key), default);
        var stored = (await host.Journeys.FindAsync(JourneyHost.Account, key, null, default))!;
        Assert.True(JsonNode.DeepEquals(Unstamped(Samples.Journey(key)), Unstamped(stored.Json)));
    }

    /// <summary>Studio draws them as they lie in the file: left to right, none over another.</summary>
    [Theory, MemberData(nameof(Keys))]
    public void Every_sample_is_drawn_from_left_to_right(string key)
    {
        var root = JsonNode.Parse(Samples.Journey(key))!["root"]!;
        var places = root["activities"]!.AsArray().ToDictionary(activity => (string)activity!["id"]!, activity =>
            ((double)activity!["metadata"]!["designer"]!["position"]!["x"]!, (double)activity["metadata"]!["designer"]!["position"]!["y"]!));
        foreach (var connection in root["connections"]!.AsArray())
            Assert.True(places[(string)connection!["source"]!["activity"]!].Item1 < places[(string)connection["target"]!["activity"]!].Item1, connection.ToJsonString());
        foreach (var (id, (x, y)) in places)
            Assert.DoesNotContain(places, other => other.Key != id && Math.Abs(other.Value.Item1 - x) < 230 && Math.Abs(other.Value.Item2 - y) < 80);
    }

    private static JsonObject Unstamped(string json)
    {
        var node = JsonNode.Parse(json)!.AsObject();
        foreach (var name in new[] { "id", "version", "createdAt", "isLatest", "isPublished" }) node.Remove(name);
        Clean(node["root"]!.AsObject());
        return node;

        static void Clean(JsonObject activity)
        {
            activity.Remove("nodeId");
            foreach (var child in activity["activities"]?.AsArray() ?? []) Clean(child!.AsObject());
        }
    }
}
