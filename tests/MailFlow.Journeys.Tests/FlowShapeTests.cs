using System.Text.Json.Nodes;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests;

/// <summary>Shapes that users draw, published and run.</summary>
public sealed class FlowShapeTests
{
    private const string Ada = "ada@example.org";

    /// <summary>Seen red: an activity that can wait must say so, or the linter takes the loop for an endless one.</summary>
    [Theory]
    [InlineData("""{"id":"w","type":"MailFlow.Wait","duration":"P1D"}""", "Done", 3)]
    [InlineData("""{"id":"w","type":"MailFlow.WaitForEvent","eventType":"opened","timeout":"P1D"}""", "TimedOut", 3)]
    [InlineData("""{"id":"w","type":"MailFlow.WaitUntil","timeOfDay":"09:30"}""", "Done", 4)] // from 9:00 on the first day
    [InlineData("""{"id":"w","type":"Elsa.Delay","timeSpan":"1.00:00:00"}""", "Done", 3)]
    public async Task A_loop_over_any_wait_can_be_published_and_goes_round(string wait, string outcome, int mails)
    {
        await using var host = await JourneyHost.WithSamplesAsync(DatabaseKind.Sqlite);
        var json = JsonNode.Parse(Of(null, Trigger("go"), Mail("welcome")))!;
        var flow = json["root"]!;
        flow["activities"]!.AsArray().Add(JsonNode.Parse(wait));
        flow["connections"]!.AsArray().Add(Connection("mail", "Done", "w"));
        flow["connections"]!.AsArray().Add(Connection("w", outcome, "mail"));
        await host.PublishAsync("loop", json.ToJsonString());

        await host.EventAsync("go", "ada", new { contact = new { email = Ada } });
        await host.AdvanceAsync(TimeSpan.FromDays(2.9));

        Assert.Equal(mails, (await host.SentAsync(Ada)).Count);
    }

    /// <summary>Seen red: an Exit that the author drew after a mail called that mail off.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Mail_queued_before_an_Exit_goes_out(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind);
        await host.PublishAsync("j", Of(null, Trigger("go"), Mail("welcome"), ("exit", "MailFlow.Exit", [("reason", "Literal", "had its mail")])));

        await host.EventAsync("go", "ada", new { contact = new { email = Ada } });
        await host.RunAsync();

        Assert.Equal(["welcome"], await host.SentAsync(Ada));
        Assert.Equal("entered 1, waiting 0, completed 0, exited 1, faulted 0", await host.StatsAsync("j"));
    }

    [Theory]
    [InlineData("""["Same"]""")]
    [InlineData("""{"Same":3}""")]
    [InlineData("""[{"name":"Same","weight":1}]""")]
    public async Task The_branches_of_a_split_may_be_written_short(string branches)
    {
        await using var host = await JourneyHost.WithSamplesAsync(DatabaseKind.Sqlite);
        var json = JsonNode.Parse(Of(null, Trigger("go")))!;
        var flow = json["root"]!;
        flow["activities"]!.AsArray().Add(new JsonObject { ["id"] = "split", ["type"] = "MailFlow.RandomSplit", ["branches"] = JsonNode.Parse(branches) });
        flow["activities"]!.AsArray().Add(JsonNode.Parse("""{"id":"mail","type":"MailFlow.SendEmail","template":"welcome"}"""));
        flow["connections"]!.AsArray().Add(Connection("trigger", "Done", "split"));
        flow["connections"]!.AsArray().Add(Connection("split", "Same", "mail"));
        await host.PublishAsync("split", json.ToJsonString());

        await host.EventAsync("go", "ada", new { contact = new { email = Ada } });
        await host.RunAsync();

        Assert.Equal(["welcome"], await host.SentAsync(Ada));
    }

    /// <summary>Clocks run on while a journey is paused: what was over before the event came was over.</summary>
    [Fact]
    public async Task While_paused_an_event_does_not_overtake_a_timeout_that_was_over_before_it()
    {
        await using var host = await JourneyHost.WithSamplesAsync(DatabaseKind.Sqlite);
        var json = JsonNode.Parse(Of(null, Trigger("go")))!;
        var flow = json["root"]!;
        flow["activities"]!.AsArray().Add(JsonNode.Parse("""{"id":"w","type":"MailFlow.WaitForEvent","eventType":"opened","timeout":"P1D"}"""));
        flow["activities"]!.AsArray().Add(JsonNode.Parse("""{"id":"mail","type":"MailFlow.SendEmail","template":"welcome"}"""));
        flow["connections"]!.AsArray().Add(Connection("trigger", "Done", "w"));
        flow["connections"]!.AsArray().Add(Connection("w", "TimedOut", "mail"));
        await host.PublishAsync("j", json.ToJsonString());
        await host.EventAsync("go", "ada", new { contact = new { email = Ada } });
        await host.RunAsync();

        await host.Journeys.PauseAsync(JourneyHost.Account, "j", default);
        await host.AdvanceAsync(TimeSpan.FromDays(2));
        await host.EventAsync("opened", "ada", new { });
        await host.RunAsync();
        await host.Journeys.ResumeAsync(JourneyHost.Account, "j", default);
        await host.RunAsync();

        Assert.Equal(["welcome"], await host.SentAsync(Ada));
    }

    private static JsonObject Connection(string from, string port, string to) => new JsonObject
    {
        ["source"] = new JsonObject { ["activity"] = from, ["port"] = port },
        ["target"] = new JsonObject { ["activity"] = to, ["port"] = "In" },
    };
}
