using System.Net.Http.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>Outgoing webhooks, set up and looked at in the browser.</summary>
public sealed class WebhookPagesTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task An_endpoint_is_added_tried_out_told_and_deleted_and_its_secret_shown_once()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.Clock.InstallAsync();
        await page.GotoAsync("/settings/webhooks");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add an endpoint" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Address" }).FillAsync("http://127.0.0.1:9/mailflow"); // may not be called: no call leaves the machine
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Shop");
        await page.GetByRole(AriaRole.Checkbox, new() { Name = "Tell it everything" }).UncheckAsync();
        await page.GetByRole(AriaRole.Checkbox, new() { Name = "journey.instance.started" }).CheckAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));
        await page.GetByRole(AriaRole.Button, new() { Name = "Add it" }).ClickAsync();
        await Expect(page.GetByText("whsec_")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Done" }).ClickAsync();
        await Expect(page.GetByText("whsec_")).ToHaveCountAsync(0);
        var listed = page.GetByRole(AriaRole.Table, new() { Name = "Webhook endpoints" }).GetByRole(AriaRole.Row).Filter(new() { HasText = "Shop" });
        await Expect(listed.GetByText("journey.instance.started")).ToBeVisibleAsync();

        await listed.GetByRole(AriaRole.Link, new() { Name = "Shop" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Send a test" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status).Filter(new() { HasText = "127.0.0.1 may not be called" })).ToBeVisibleAsync();
        (await browser.Server.Client.PostAsJsonAsync("/api/v1/events", new { event_id = "webhook-pages", event_type = "user_signed_up", user_id = "ada-of-webhooks" })).EnsureSuccessStatusCode();
        var told = page.GetByRole(AriaRole.Table, new() { Name = "Deliveries" }).GetByRole(AriaRole.Row).Filter(new() { HasText = "ada-of-webhooks" });
        await Expect(told.GetByText("Given up")).ToBeVisibleAsync();
        await Expect(page.GetByText("Fails", new() { Exact = true })).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));

        await told.GetByRole(AriaRole.Button, new() { Name = "journey.instance.started" }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Expect(dialog.GetByText("\"user_id\": \"ada-of-webhooks\"")).ToBeVisibleAsync();
        await Expect(dialog.GetByRole(AriaRole.Table, new() { Name = "Attempts" }).GetByRole(AriaRole.Row)).ToHaveCountAsync(2);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Send it again" }).ClickAsync();
        await Expect(told.GetByRole(AriaRole.Cell, new() { Name = "2", Exact = true })).ToBeVisibleAsync();

        await page.RouteAsync("**/api/v1/webhook-endpoints/*", async route =>
        {
            var answer = await route.FetchAsync();
            await page.Clock.FastForwardAsync(15_000); // the page, due to look at the log again, asks nothing of what is no more
            await route.FulfillAsync(new() { Response = answer });
        });
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync();
        await Expect(page.GetByText("No webhook yet")).ToBeVisibleAsync();
    }
}
