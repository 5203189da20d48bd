using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>Which servers run and what waits on them: of the real server, and as answers that it would give in trouble.</summary>
public sealed class ClusterPageTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    private const string Address = "**/api/v1/cluster";

    [Fact]
    public async Task The_server_finds_itself_up_with_all_its_roles_and_nothing_behind()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/settings/audit");
        await page.GetByRole(AriaRole.Tab, new() { Name = "Cluster" }).ClickAsync();
        var row = page.GetByRole(AriaRole.Table, new() { Name = "Nodes" }).GetByRole(AriaRole.Row).Nth(1);
        await Expect(row.GetByText("Up", new() { Exact = true })).ToBeVisibleAsync();
        foreach (var role in new[] { "API and console", "Works journeys", "Sends mail" }) await Expect(row.GetByText(role)).ToBeVisibleAsync();
        await Expect(page.GetByText("0 of 64")).ToBeVisibleAsync();
        await Expect(page.GetByText("No shard is behind")).ToBeVisibleAsync();
        await Expect(page.GetByText("What you should know")).ToHaveCountAsync(0);
        Assert.Empty(await PagesTests.SeriousAsync(page));
    }

    [Fact]
    public async Task What_is_not_as_it_should_be_is_said_with_what_to_do()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        var cluster = Answer(Cluster(
            [Node("node-a", "up", "api,worker", "1.1.0"), Node("node-b", "up", "api", "1.0.0"), Node("node-c", "dead", "sender", "1.0.0"), Node("node-d", "stopped", "worker", "1.0.0")],
            lag: 600, parked: 1, deadLetters: 2));
        await page.RouteAsync(Address, route => route.FulfillAsync(cluster));
        await page.GotoAsync("/settings/cluster");

        var hints = page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "What you should know" }).GetByRole(AriaRole.Listitem);
        await Expect(hints).ToHaveTextAsync(
        [
            "No node sends mail: it waits. Start one with the role sender.",
            "node-c gives no sign of life (the last was 5 minutes ago): killed, frozen, or cut off from the database. No other node has the role sender: that work waits.",
            "What is to be worked waits for 10 min. Where all shards wait, add workers or a faster database; where one does, an activity holds it up.",
            "An activity is parked, because it fails for everybody: the journeys’ numbers say which. What is parked is tried again by itself.",
            "2 dead letters have not been replayed: mend what they failed for, then replay them.",
            "Nodes run different versions (1.0.0, 1.1.0): as it is in the middle of an upgrade, and not for long.",
        ]);
        var nodes = page.GetByRole(AriaRole.Table, new() { Name = "Nodes" });
        await Expect(nodes.GetByRole(AriaRole.Row).Filter(new() { HasText = "node-c" }).GetByText("No sign of life")).ToBeVisibleAsync();
        await Expect(nodes.GetByRole(AriaRole.Row).Filter(new() { HasText = "node-d" }).GetByText("Stopped")).ToBeVisibleAsync();
        await Expect(page.GetByText("1 of 2", new() { Exact = true })).ToBeVisibleAsync();
        var behind = page.GetByRole(AriaRole.Table, new() { Name = "Shards that are behind" }).GetByRole(AriaRole.Row);
        await Expect(behind).ToHaveCountAsync(2); // its head, and the one in which something waits
        await Expect(behind.Nth(1).GetByRole(AriaRole.Cell)).ToContainTextAsync(["1", "1,200", "3", "ago", "Yes"]);
        Assert.Empty(await PagesTests.SeriousAsync(page));
    }

    [Fact]
    public async Task While_it_loads_where_it_is_refused_and_where_it_fails_it_says_so()
    {
        await using var window = await browser.SignInAsync();
        window.Wants("403");
        window.Wants("418");
        var page = window.Page;
        var answer = new TaskCompletionSource<RouteFulfillOptions>();
        await page.RouteAsync(Address, async route => await route.FulfillAsync(await answer.Task));
        await page.GotoAsync("/settings/cluster");
        await Expect(page.GetByRole(AriaRole.Status, new() { Name = "Loading" })).ToBeVisibleAsync();
        answer.SetResult(Refusal(403, "This is about all accounts, and for the account of whoever operates the server."));
        await Expect(page.GetByText("For whoever operates the server")).ToBeVisibleAsync();
        await Expect(page.GetByText("This is about all accounts")).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));

        await AnswerAsync(Refusal(418, "The database is away."));
        await Expect(page.GetByText("The database is away.")).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));

        await page.UnrouteAsync(Address);
        await page.RouteAsync(Address, route => route.FulfillAsync(Answer(Cluster([], lag: 0, parked: 0, deadLetters: 0))));
        await page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(page.GetByText("No node has signed in yet")).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));

        async Task AnswerAsync(RouteFulfillOptions options)
        {
            await page.UnrouteAsync(Address);
            await page.RouteAsync(Address, route => route.FulfillAsync(options));
            await page.ReloadAsync();
        }
    }

    private static RouteFulfillOptions Answer(string body) => new() { ContentType = "application/json", Body = body };

    private static RouteFulfillOptions Refusal(int status, string detail) => new() { Status = status, ContentType = "application/problem+json", Body = JsonSerializer.Serialize(new { status, detail }) };

    private static object Node(string name, string status, string roles, string version) => new
    {
        name,
        roles = roles.Split(','),
        version,
        status,
        started_at = "2026-03-01T08:00:00Z",
        seen_at = status == "up" ? "2026-03-02T08:59:58Z" : "2026-03-02T08:55:00Z",
    };

    private static string Cluster(object[] nodes, double lag, int parked, int deadLetters) => JsonSerializer.Serialize(new
    {
        at = "2026-03-02T09:00:00Z",
        nodes,
        lag_seconds = lag,
        engine = new
        {
            at = "2026-03-02T09:00:00Z",
            shards = new object[]
            {
                new { shard = 0, inbox = 0, timers = 0, oldest_at = (string?)null, in_work = false },
                new { shard = 1, inbox = lag > 0 ? 1_200 : 0, timers = lag > 0 ? 3 : 0, oldest_at = lag > 0 ? "2026-03-02T08:50:00Z" : null, in_work = lag > 0 },
            },
            jobs = 0,
            parked_activities = parked,
            dead_letters = deadLetters,
        },
        messages = new { queued = 7, inflight = 1, deferred = 2, unknown = 0, oldest_due_at = (string?)null, reports = 0 },
    });
}
