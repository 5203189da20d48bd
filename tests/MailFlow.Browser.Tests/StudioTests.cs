using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Playwright;

namespace MailFlow.Browser.Tests;

/// <summary>The real Elsa Studio on our API.</summary>
public sealed class StudioTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    private const string Small = """
        {"name": "Small", "root": {"id": "flow", "type": "Elsa.Flowchart", "version": 1, "activities": [
          {"id": "start", "type": "MailFlow.EventReceived", "version": 1, "eventType": {"typeName": "String", "expression": {"type": "Literal", "value": "studio_joined"}}, "metadata": {"designer": {"position": {"x": 40, "y": 80}}}},
          {"id": "magic", "type": "Elsa.WriteLine", "version": 1, "text": {"typeName": "String", "expression": {"type": "Literal", "value": "hello"}}, "metadata": {"displayText": "Say hello", "designer": {"position": {"x": 340, "y": 80}}}},
          {"id": "wait", "type": "MailFlow.WaitForEvent", "version": 1, "eventType": {"typeName": "String", "expression": {"type": "Literal", "value": "studio_ordered"}}, "metadata": {"designer": {"position": {"x": 40, "y": 240}}}}],
        "connections": [{"source": {"activity": "start", "port": "Done"}, "target": {"activity": "magic", "port": "In"}}, {"source": {"activity": "magic", "port": "Done"}, "target": {"activity": "wait", "port": "In"}}]}}
        """;

    [Theory]
    [InlineData("welcome-series")]
    [InlineData("abandoned-cart")]
    [InlineData("order-receipt")]
    [InlineData("re-engagement")]
    [InlineData("trial-ending")]
    [InlineData("win-back")]
    [InlineData("double-opt-in")]
    public async Task A_sample_is_drawn_with_every_activity_port_and_place_and_saved_untouched_it_is_as_it_was(string id)
    {
        await using var window = await browser.SignInAsync();
        var before = await JourneyAsync(id);
        var studio = await StudioWindow.OpenAsync(window.Page, id);

        var activities = before["root"]!["activities"]!.AsArray();
        var connections = before["root"]!["connections"]!.AsArray();
        await Assertions.Expect(studio.Activities).ToHaveCountAsync(activities.Count);
        await Assertions.Expect(studio.Connections).ToHaveCountAsync(connections.Count);
        foreach (var activity in activities)
        {
            var place = activity!["metadata"]!["designer"]!["position"]!;
            Assert.Equal((place["x"]!.GetValue<double>(), place["y"]!.GetValue<double>()), await studio.PositionAsync(activity["id"]!.GetValue<string>()));
        }
        foreach (var source in connections.Select(connection => connection!["source"]!))
            // Studio's port for what comes in has the name of an outcome of ours.
            Assert.Contains(source["port"]!.GetValue<string>() is "In" ? "IsIn" : source["port"]!.GetValue<string>(), await studio.PortsAsync(source["activity"]!.GetValue<string>()));

        Assert.Equal(200, await studio.SaveAsync());
        await Assertions.Expect(studio.Messages).ToContainTextAsync("Workflow saved");
        Assert.Equal(before.ToJsonString(), (await JourneyAsync(id)).ToJsonString());
    }

    [Fact]
    public async Task An_activity_is_dropped_connected_set_from_a_list_and_published_and_runs()
    {
        await PutAsync("studio-edited", Small.Replace("studio_", "edited_", StringComparison.Ordinal));
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        var studio = await StudioWindow.OpenAsync(page, "studio-edited");

        var mail = "";
        Assert.Equal(200, await studio.SavedByAsync(async () => mail = await studio.DropAsync("Messaging", "Send e-mail", 420, 330)));
        Assert.Equal(200, await studio.SavedByAsync(() => studio.ConnectAsync("wait", "Received", mail)));
        await studio.SelectAsync(mail);
        await studio.Field("Template").ClickAsync();
        Assert.Equal(200, await studio.SavedByAsync(() => page.GetByRole(AriaRole.Option, new() { Name = "welcome-next-step –" }).ClickAsync()));
        await studio.SelectAsync("wait");
        Assert.Equal(200, await studio.SavedByAsync(async () =>
        {
            await studio.Field("Timeout").Locator("input").FillAsync("P2D");
            await page.Keyboard.PressAsync("Tab");
        }));
        Assert.Equal(200, await studio.PublishAsync());
        await Assertions.Expect(studio.Messages).ToContainTextAsync("Workflow published");

        await browser.Server.Client.PostAsync("/api/v1/events", Json("""
            [{"event_id": "st-1", "event_type": "edited_joined", "user_id": "studio-1", "payload": {"contact": {"email": "studio@example.org", "first_name": "Stu", "consents": {"newsletter": true}}}},
             {"event_id": "st-2", "event_type": "edited_ordered", "user_id": "studio-1"}]
            """));
        await EventuallyAsync("/api/v1/sandbox/messages?to=studio@example.org", answer => answer.GetProperty("items").GetArrayLength() == 1);
    }

    [Fact]
    public async Task What_would_lose_work_is_refused_in_red()
    {
        await PutAsync("studio-guarded", Small);
        await using var window = await browser.SignInAsync();
        window.Wants("400");
        window.Wants("401"); // the console, in the other tab, asks whether somebody is signed in
        var page = window.Page;
        var studio = await StudioWindow.OpenAsync(page, "studio-guarded");

        await PutAsync("studio-guarded", Small.Replace("Say hello", "Say good-bye", StringComparison.Ordinal));
        Assert.Equal(400, await studio.SaveAsync());
        await Assertions.Expect(studio.Messages).ToContainTextAsync("has been changed since you opened it");

        studio = await StudioWindow.OpenAsync(page, "studio-guarded");
        await page.Locator(".x6-graph").First.ClickAsync(new() { Position = new() { X = 500, Y = 15 } });
        await page.Keyboard.PressAsync("Control+a");
        Assert.Equal(400, await studio.SavedByAsync(() => page.Keyboard.PressAsync("Delete")));
        await Assertions.Expect(studio.Messages).ToContainTextAsync("would remove all 3 activities");
        Assert.Equal(3, (await JourneyAsync("studio-guarded"))["root"]!["activities"]!.AsArray().Count);

        await PutAsync("studio-guarded", Small.Replace("Elsa.WriteLine", "Acme.Magic", StringComparison.Ordinal));
        studio = await StudioWindow.OpenAsync(page, "studio-guarded");
        await Assertions.Expect(studio.Activity("magic")).ToContainTextAsync("Unknown activity");
        Assert.Equal(400, await studio.PublishAsync());
        await Assertions.Expect(studio.Messages.Filter(new() { HasText = "Acme.Magic" })).ToContainTextAsync("Say hello");
        Assert.Equal("Acme.Magic", (await JourneyAsync("studio-guarded"))["root"]!["activities"]![1]!["type"]!.GetValue<string>());

        await page.Context.ClearCookiesAsync();
        Assert.Equal(400, await studio.SaveAsync());
        await Assertions.Expect(studio.Messages.Filter(new() { HasText = "Your session has ended" })).ToBeVisibleAsync();
        // Studio reads a token once, when it begins: with the session's cookie, whoever signs in again in another tab goes on here.
        var tab = await page.Context.NewPageAsync();
        await browser.SignInAsync(tab);
        await tab.CloseAsync();
        Assert.Equal(200, await studio.SaveAsync());
    }

    [Fact]
    public async Task A_viewer_looks_and_changes_nothing()
    {
        await PutAsync("studio-viewed", Small);
        await browser.Server.Client.PostAsJsonAsync("/api/v1/users", new { email = "viewer@example.org", role = "viewer", password = "correct horse battery" });
        await using var window = await browser.OpenAsync();
        await window.Page.GotoAsync("/sign-in");
        await window.Page.GetByLabel("E-mail").FillAsync("viewer@example.org");
        await window.Page.GetByRole(AriaRole.Textbox, new() { Name = "Password" }).FillAsync("correct horse battery");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "Home" })).ToBeVisibleAsync();

        var studio = await StudioWindow.OpenAsync(window.Page, "studio-viewed");

        await Assertions.Expect(window.Page.GetByText("read-only mode")).ToBeVisibleAsync();
        await Assertions.Expect(window.Page.GetByText("Auto-save")).ToHaveCountAsync(0);
        await Assertions.Expect(studio.Activities).ToHaveCountAsync(3);
    }

    [Fact]
    public async Task The_viewer_shows_where_a_trip_is_and_follows_it()
    {
        await PutAsync("studio-watched", Small.Replace("studio_", "watched_", StringComparison.Ordinal));
        (await browser.Server.Client.PostAsync("/api/v1/journeys/studio-watched/publish", null)).EnsureSuccessStatusCode();
        await browser.Server.Client.PostAsync("/api/v1/events", Json("""{"event_id": "sw-1", "event_type": "watched_joined", "user_id": "studio-2"}"""));
        await EventuallyAsync("/api/v1/journeys/studio-watched/stats", stats => stats.GetProperty("waiting").GetInt64() == 1);
        var list = await (await browser.Server.Client.PostAsync("/elsa/api/workflow-instances", Json("""{"definitionId": "studio-watched"}"""))).Content.ReadFromJsonAsync<JsonElement>();
        await using var window = await browser.SignInAsync();

        var studio = await StudioWindow.OpenInstanceAsync(window.Page, list.GetProperty("items")[0].GetProperty("id").GetString()!);

        await Assertions.Expect(studio.Activities).ToHaveCountAsync(3);
        await Assertions.Expect(window.Page.GetByText("Wait for event - Suspended")).ToBeVisibleAsync();
        await Assertions.Expect(studio.Activity("magic").GetByRole(AriaRole.Status)).ToContainTextAsync("1");
        await browser.Server.Client.PostAsync("/api/v1/events", Json("""{"event_id": "sw-2", "event_type": "watched_ordered", "user_id": "studio-2"}"""));
        await Assertions.Expect(window.Page.GetByText("Wait for event - Completed")).ToBeVisibleAsync(new() { Timeout = 30_000 });
    }

    // Studio's links lead to its own shell's pages: in the console's frame they would show the console within the console, or a page that is not there.
    [Fact]
    public async Task Every_link_of_the_viewer_stays_in_the_console()
    {
        await PutAsync("studio-linked", Small.Replace("studio_", "linked_", StringComparison.Ordinal));
        (await browser.Server.Client.PostAsync("/api/v1/journeys/studio-linked/publish", null)).EnsureSuccessStatusCode();
        await browser.Server.Client.PostAsync("/api/v1/events", Json("""{"event_id": "sl-1", "event_type": "linked_joined", "user_id": "studio-3"}"""));
        await EventuallyAsync("/api/v1/journeys/studio-linked/stats", stats => stats.GetProperty("waiting").GetInt64() == 1);
        var list = await (await browser.Server.Client.PostAsync("/elsa/api/workflow-instances", Json("""{"definitionId": "studio-linked"}"""))).Content.ReadFromJsonAsync<JsonElement>();
        var trip = $"/instances/{list.GetProperty("items")[0].GetProperty("id").GetString()}";
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        var frame = page.FrameLocator("iframe[title='The trip on the canvas']");
        var links = frame.Locator("a[href]:visible");
        async Task OpenAsync()
        {
            await page.GotoAsync(trip);
            await page.GetByText("Canvas", new() { Exact = true }).ClickAsync();
            await Assertions.Expect(links.First).ToBeVisibleAsync(new() { Timeout = 120_000 });
        }

        await OpenAsync();
        await Assertions.Expect(frame.GetByText("Structured Logs")).ToBeHiddenAsync();
        var count = await links.CountAsync();
        var left = 0;
        for (var index = 0; index < count; index++)
        {
            if (index > 0) await OpenAsync();
            var isOfDefinition = (await links.Nth(index).GetAttributeAsync("href"))!.Contains("/definitions/", StringComparison.Ordinal);
            await links.Nth(index).ClickAsync();
            if (!isOfDefinition) continue;
            await Assertions.Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/journeys/studio-linked/design$"));
            left++;
        }
        Assert.True(left > 0);
        // A frame that has just been made has no address yet; one that was refused has Chromium's own.
        Assert.DoesNotContain(page.Frames, found => found.ParentFrame is not null && found.Url.Length > 0 && !new Uri(found.Url).AbsolutePath.StartsWith("/studio/", StringComparison.Ordinal));
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    private async Task PutAsync(string id, string json) => (await browser.Server.Client.PutAsync($"/api/v1/journeys/{id}", Json(json))).EnsureSuccessStatusCode();

    private async Task<JsonNode> JourneyAsync(string id) => JsonNode.Parse(await browser.Server.Client.GetStringAsync($"/api/v1/journeys/{id}"))!;

    private async Task EventuallyAsync(string path, Func<JsonElement, bool> wanted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!wanted(await browser.Server.Client.GetFromJsonAsync<JsonElement>(path, patience.Token))) await Task.Yield();
    }
}
