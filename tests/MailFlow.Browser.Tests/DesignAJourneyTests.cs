using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>What <c>docs/design-a-journey.md</c> tells a marketer, done step by step; the guide's pictures are taken here.</summary>
public sealed partial class DesignAJourneyTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    private const string Journey = "webinar-follow-up";

    [Fact]
    public async Task From_nothing_a_journey_is_drawn_published_and_run_and_its_mail_is_read()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        // An event type is offered once it was seen.
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Event type" }).FillAsync("webinar_booked");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a field: What it carries" }).ClickAsync();
        await page.GetByRole(AriaRole.Combobox, new() { Name = "What it carries: name 1" }).FillAsync("seats");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "What it carries: value 1" }).FillAsync("1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send event" }).ClickAsync();
        await Expect(page.GetByText("The event webinar_booked was taken")).ToBeVisibleAsync();
        await page.GotoAsync("/journeys");
        await page.GetByRole(AriaRole.Button, new() { Name = "New journey" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Webinar follow-up");
        await window.ShotAsync("new-journey");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(DesignPage());
        var studio = await StudioWindow.EmptyInConsoleAsync(page);

        var booked = await DropAsync(studio, "Triggers", "Event received", 20, 30);
        var wait = await DropAsync(studio, "Waits", "Wait", 20, 150);
        var isTeam = await DropAsync(studio, "Decisions", "Condition", 270, 150);
        var toTeam = await DropAsync(studio, "Messaging", "Send e-mail", 500, 60);
        var toOne = await DropAsync(studio, "Messaging", "Send e-mail", 500, 200);
        foreach (var (from, port, to) in new[] { (booked, "Done", wait), (wait, "Done", isTeam), (isTeam, "True", toTeam), (isTeam, "False", toOne) })
            Assert.Equal(200, await studio.SavedByAsync(() => studio.ConnectAsync(from, port, to)));
        await Expect(studio.Connections).ToHaveCountAsync(4);

        await SetAsync(studio, booked, "Webinar booked", () => studio.ChooseAsync("Event type", "webinar_booked"));
        await SetAsync(studio, wait, "A moment later", () => studio.FillAsync("Duration", "PT1S"));
        await SetAsync(studio, toTeam, "Mail to teams", () => studio.ChooseAsync("Template", "welcome-next-step"));
        await SetAsync(studio, toOne, "Mail to others", () => studio.ChooseAsync("Template", "welcome-tips"));
        await SetAsync(studio, isTeam, "Two seats or more?", () => studio.WriteRuleAsync("Rule", "trigger.seats >= 2"));
        await studio.PressToolAsync(2);
        await studio.PressToolAsync(0);
        await studio.SelectAsync(isTeam);
        await Expect(studio.Field("Rule")).ToContainTextAsync("trigger.seats");
        await window.ShotAsync("design");
        var drawn = JsonNode.Parse(await browser.Server.Client.GetStringAsync($"/api/v1/journeys/{Journey}"))!["root"]!["activities"]!.AsArray();
        Assert.Equal(
            ["MailFlow.EventReceived webinar_booked", "MailFlow.Wait PT1S", "MailFlow.Condition trigger.seats >= 2", "MailFlow.SendEmail welcome-next-step", "MailFlow.SendEmail welcome-tips"],
            drawn.Select(activity => $"{activity!["type"]} {(activity["eventType"] ?? activity["duration"] ?? activity["condition"] ?? activity["template"])!["expression"]!["value"]}"));

        await page.GetByRole(AriaRole.Button, new() { Name = "Publish…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("begins to run as version 1")).ToBeVisibleAsync();
        await window.ShotAsync("publish");
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Publish", Exact = true }).ClickAsync();
        await Expect(page.GetByText("is published")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Tab, new() { Name = "Live" }).ClickAsync();
        await Expect(Step(page, "Mail to teams").GetByText("0 passed")).ToBeVisibleAsync();
        await BookAsync("ada", "ada@example.org", seats: 5);
        await BookAsync("grace", "grace@example.org", seats: 1);
        await BookAsync("linus", "linus@example.org", seats: 2);
        await Expect(Step(page, "Webinar booked").GetByText("3 passed")).ToBeVisibleAsync();
        await Expect(Step(page, "Mail to teams").GetByText("2 passed")).ToBeVisibleAsync();
        await Expect(Step(page, "Mail to others").GetByText("1 passed")).ToBeVisibleAsync();
        await window.ShotAsync("live");

        await page.GotoAsync("/mailbox?to=ada@example.org");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Ready for the next step?" })).ToBeVisibleAsync();
        await Expect(page.FrameLocator("iframe").Locator("body")).ToContainTextAsync("Hi Ada");
        await window.ShotAsync("mailbox");
    }

    [Fact]
    public async Task A_running_journey_is_tried_out_changed_and_those_in_it_are_moved()
    {
        await browser.SignUpAsync("mover", "mover@example.org");
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys/welcome-series/test");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run the test" }).ClickAsync();
        await Expect(page.GetByText("Came to the end", new() { Exact = true })).ToBeVisibleAsync();
        await window.ShotAsync("test");

        var json = await browser.Server.Client.GetStringAsync("/api/v1/journeys/welcome-series");
        var draft = json.Replace("\"P1D\"", "\"P2D\"", StringComparison.Ordinal);
        Assert.NotEqual(json, draft);
        (await browser.Server.Client.PutAsync("/api/v1/journeys/welcome-series", new StringContent(draft, System.Text.Encoding.UTF8, "application/json"))).EnsureSuccessStatusCode();
        await page.GotoAsync("/journeys");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "Welcome series" }).GetByText("Changes not published")).ToBeVisibleAsync();
        await page.GotoAsync("/journeys/welcome-series/live");
        await Expect(page.GetByText("Changes not published")).ToBeVisibleAsync();
        await Expect(Step(page, "Wait a day").GetByText("1 waiting here")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish…" }).ClickAsync();
        await page.GetByRole(AriaRole.Radio, new() { Name = "They move to the new version" }).CheckAsync();
        await window.ShotAsync("publish-change");
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Publish", Exact = true }).ClickAsync();
        await Expect(page.GetByText("Version 2 is published")).ToBeVisibleAsync();
        await Expect(page.GetByText("Changes not published")).ToBeHiddenAsync();
        await page.GotoAsync("/journeys/welcome-series/instances");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "mover" })).ToBeVisibleAsync();
    }

    // Seen red with a picture that was not there.
    [Fact]
    public void Every_picture_of_the_guides_is_there_and_none_is_left_over()
    {
        var docs = Path.Combine(Repository.Folder, "docs");
        var named = Directory.EnumerateFiles(docs, "*.md").SelectMany(guide => Picture().Matches(File.ReadAllText(guide)).Select(match => match.Groups[1].Value)).ToHashSet();
        Assert.NotEmpty(named);
        Assert.Equal(named.Order(), Directory.EnumerateFiles(Path.Combine(docs, "images")).Select(file => "images/" + Path.GetFileName(file)).Order());
    }

    /// <summary>Drops an activity and waits until it is saved.</summary>
    private static async Task<string> DropAsync(StudioWindow studio, string category, string name, float x, float y)
    {
        var id = "";
        Assert.Equal(200, await studio.SavedByAsync(async () => id = await studio.DropAsync(category, name, x, y)));
        return id;
    }

    /// <summary>Gives an activity a name to be read, and sets its input.</summary>
    private static async Task SetAsync(StudioWindow studio, string activity, string name, Func<Task> setInput)
    {
        var studiosName = await studio.Activity(activity).Locator(".activity-label").InnerTextAsync();
        await studio.SelectAsync(activity);
        await studio.OpenTabAsync("Common");
        await Expect(studio.Field("Name").Locator("input")).ToHaveValueAsync(studiosName); // until then the form is of the activity before
        Assert.Equal(200, await studio.SavedByAsync(() => studio.FillAsync("Display text", name)));
        await Expect(studio.Activity(activity)).ToContainTextAsync(name);
        await studio.OpenTabAsync("Input");
        Assert.Equal(200, await studio.SavedByAsync(setInput));
    }

    private async Task BookAsync(string userId, string email, int seats)
    {
        var answer = await browser.Server.Client.PostAsJsonAsync("/api/v1/events", new
        {
            event_id = $"booked-{userId}",
            event_type = "webinar_booked",
            user_id = userId,
            payload = new { seats, contact = new { email, first_name = char.ToUpperInvariant(userId[0]) + userId[1..], consents = new { newsletter = true } } },
        });
        Assert.Equal(1, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accepted").GetInt32());
    }

    private static ILocator Step(IPage page, string name) => page.Locator(".react-flow__node", new() { HasText = name });

    [GeneratedRegex("/journeys/webinar-follow-up/design$")]
    private static partial Regex DesignPage();

    [GeneratedRegex(@"!\[[^\]]+\]\((images/[^)]+)\)")]
    private static partial Regex Picture();
}
