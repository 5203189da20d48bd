using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Xunit.Abstractions;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>What our page around Studio adds to it: what it weighs, what it lets in, how it opens, what it says and what it leaves out.</summary>
public sealed partial class StudioPageTests(BrowserFixture browser, ITestOutputHelper output) : IClassFixture<BrowserFixture>
{
    private const double Megabyte = 1_000_000;

    // Times are told, not judged: they are the machine's.
    [Fact]
    public async Task Opened_cold_it_is_less_than_ten_megabytes_over_the_wire()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        var console = await FirstPaintAsync(page);
        var finished = new ConcurrentQueue<IRequest>();
        page.Context.RequestFinished += (_, request) => finished.Enqueue(request);
        var watch = Stopwatch.StartNew();
        await StudioWindow.OpenAsync(page, "welcome-series");
        watch.Stop();

        double total = 0;
        foreach (var request in finished) total += (await request.SizesAsync()).ResponseBodySize;
        output.WriteLine($"The console's first paint: {console:0} ms. Studio: {finished.Count} requests, {total / Megabyte:0.00} MB, first paint {await FirstPaintAsync(page):0} ms, drawn after {watch.ElapsedMilliseconds} ms.");
        Assert.InRange(finished.Count, 50, 400); // fewer, and it was not cold
        Assert.InRange(total / Megabyte, 5, 10);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/studio/?definition=welcome-series")]
    public async Task No_page_lets_text_be_run_as_a_script(string path)
    {
        await using var window = await browser.OpenAsync();
        var answer = (await window.Page.GotoAsync(path, new() { WaitUntil = WaitUntilState.Commit }))!;

        var policy = (await answer.HeaderValueAsync("content-security-policy"))!.Split(';', StringSplitOptions.TrimEntries).Select(rule => rule.Split(' ')).ToDictionary(rule => rule[0], rule => rule[1..]);
        Assert.DoesNotContain("'unsafe-eval'", policy.SelectMany(rule => rule.Value));
        Assert.DoesNotContain("'unsafe-inline'", policy["script-src"]);
        Assert.All(policy.SelectMany(rule => rule.Value), source => Assert.Matches(OwnSource(), source));
    }

    [Fact]
    public async Task A_wide_journey_opens_at_its_beginning_and_a_small_one_in_full_view()
    {
        await using var window = await browser.SignInAsync();
        var studio = await StudioWindow.OpenAsync(window.Page, "welcome-series");
        var canvas = (await studio.Canvas.BoundingBoxAsync())!;
        Assert.True(IsInside(await studio.Activity(await studio.IdOfAsync("Contact signed up")).BoundingBoxAsync(), canvas));

        await PutAsync("studio-small", Three);
        studio = await StudioWindow.OpenAsync(window.Page, "studio-small");
        canvas = (await studio.Canvas.BoundingBoxAsync())!;
        foreach (var activity in await studio.Activities.AllAsync()) Assert.True(IsInside(await activity.BoundingBoxAsync(), canvas));
    }

    [Fact]
    public async Task What_means_nothing_here_is_not_shown_and_what_is_offered_has_its_icon()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        var studio = await StudioWindow.OpenAsync(page, "welcome-series");
        await studio.SelectAsync(await studio.IdOfAsync("Wait a day"));

        await Expect(studio.Field("Duration")).ToBeVisibleAsync();
        Assert.Equal(["Activities", "Welcome series", "Input", "Common", "Properties", "Variables"], (await page.Locator(".mud-tab:visible").AllInnerTextsAsync()).Select(text => text.Trim()));
        await Expect(page.Locator(".mud-toolbar button.mud-success-text")).ToBeHiddenAsync(); // the button to run it
        foreach (var setting in new[] { "Activation strategy", "Incident handling strategy", "Usable as activity" }) await Expect(page.GetByText(setting).First).ToBeHiddenAsync();
        await Expect(page.GetByText("The name of the workflow.")).ToBeVisibleAsync();
        await page.Locator(".mud-expand-panel-text").GetByText("Messaging", new() { Exact = true }).ClickAsync();
        await Expect(page.Locator("[data-activity='MailFlow.SendEmail']")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_activity_of_another_version_is_drawn_as_what_it_is_and_keeps_its_version()
    {
        await PutAsync("studio-seven", Three.Replace("\"MailFlow.Wait\", \"version\": 1", "\"MailFlow.Wait\", \"version\": 7", StringComparison.Ordinal));
        await using var window = await browser.SignInAsync();
        var studio = await StudioWindow.OpenAsync(window.Page, "studio-seven");

        await studio.SelectAsync("wait");
        await Expect(studio.Activity("wait")).Not.ToContainTextAsync("Unknown activity");
        Assert.Equal(200, await studio.SavedByAsync(() => studio.FillAsync("Duration", "P9D")));
        var wait = JsonNode.Parse(await browser.Server.Client.GetStringAsync("/api/v1/journeys/studio-seven"))!["root"]!["activities"]![1]!;
        Assert.Equal((7, "P9D"), (wait["version"]!.GetValue<int>(), wait["duration"]!["expression"]!["value"]!.GetValue<string>()));
    }

    // Of these Studio itself shows nothing, and goes on as if it had saved.
    [Fact]
    public async Task A_failure_that_Studio_would_swallow_is_said()
    {
        await PutAsync("studio-failing", Three);
        await using var window = await browser.SignInAsync();
        var studio = await StudioWindow.OpenAsync(window.Page, "studio-failing");
        var notice = window.Page.Locator("#notice");
        foreach (var (status, said) in new[] { (403, "Your role does not allow this"), (500, "The server could not do this"), (401, "Your session is over") })
        {
            await Expect(notice).ToBeHiddenAsync();
            await window.Page.RouteAsync("**/elsa/api/workflow-definitions", route => route.FulfillAsync(new() { Status = status, Body = "{}" }));
            Assert.Equal(status, await studio.SaveAsync());
            await Expect(notice).ToContainTextAsync(said);
            await window.Page.UnrouteAllAsync();
            Assert.Equal(200, await studio.SaveAsync());
        }
        Assert.NotEmpty(await window.CloseAsync());
    }

    private const string Three = """
        {"name": "Three", "root": {"id": "flow", "type": "Elsa.Flowchart", "version": 1, "activities": [
          {"id": "start", "type": "MailFlow.EventReceived", "version": 1, "eventType": {"typeName": "String", "expression": {"type": "Literal", "value": "three_joined"}}, "metadata": {"designer": {"position": {"x": 900, "y": 700}}}},
          {"id": "wait", "type": "MailFlow.Wait", "version": 1, "duration": {"typeName": "TimeSpan", "expression": {"type": "Literal", "value": "P1D"}}, "metadata": {"designer": {"position": {"x": 1200, "y": 700}}}},
          {"id": "line", "type": "Elsa.WriteLine", "version": 1, "text": {"typeName": "String", "expression": {"type": "Literal", "value": "hello"}}, "metadata": {"designer": {"position": {"x": 1500, "y": 900}}}}],
        "connections": [{"source": {"activity": "start", "port": "Done"}, "target": {"activity": "wait", "port": "In"}}, {"source": {"activity": "wait", "port": "Done"}, "target": {"activity": "line", "port": "In"}}]}}
        """;

    private async Task PutAsync(string id, string json) =>
        (await browser.Server.Client.PutAsync($"/api/v1/journeys/{id}", new StringContent(json, Encoding.UTF8, "application/json"))).EnsureSuccessStatusCode();

    private static bool IsInside(LocatorBoundingBoxResult? box, LocatorBoundingBoxResult canvas) =>
        box is not null && box.X >= canvas.X && box.X + box.Width <= canvas.X + canvas.Width && box.Y >= canvas.Y && box.Y + box.Height <= canvas.Y + canvas.Height;

    private static Task<double> FirstPaintAsync(IPage page) => page.EvaluateAsync<double>("() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1");

    [GeneratedRegex("^('none'|'self'|'unsafe-inline'|'wasm-unsafe-eval'|'sha256-[^']+'|data:|blob:)$")]
    private static partial Regex OwnSource();
}
