using System.Net.Http.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>Connections and how mail leaves, set up in the browser.</summary>
public sealed class SendingPagesTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task A_connection_is_added_by_its_form_seen_at_work_limited_and_deleted()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/settings/connections");
        await Expect(page.GetByText("All mail goes to this server’s sandbox")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a connection" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Sandbox" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Trial");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Key" }).FillAsync("trial");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Marketing: weight" }).FillAsync("40");
        await Expect(page.GetByText("= 100%")).ToHaveCountAsync(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "Add it" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Send a test mail to" }).FillAsync("me@example.org");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Expect(page.GetByText("The provider has taken it")).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));
        await page.GetByRole(AriaRole.Link, new() { Name = "All connections" }).ClickAsync();
        var listed = page.GetByRole(AriaRole.Table, new() { Name = "Connections" }).GetByRole(AriaRole.Row).Filter(new() { HasText = "Trial" });
        await Expect(listed.GetByText("Sends")).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));

        await listed.GetByRole(AriaRole.Link, new() { Name = "Trial" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Most a second" }).FillAsync("12");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("It holds from the next mail on.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Sending", Exact = true }).ClickAsync();
        var route = page.GetByRole(AriaRole.Table, new() { Name = "Routes" }).GetByRole(AriaRole.Row).Filter(new() { HasText = "trial" });
        await Expect(route.GetByRole(AriaRole.Cell, new() { Name = "12" })).ToBeVisibleAsync();
        await Expect(route.GetByText("Open")).ToBeVisibleAsync();

        await page.GotoAsync("/settings/connections/trial");
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync();
        await Expect(page.GetByText("No connection yet")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task What_the_server_refuses_is_said_at_its_field_and_a_secret_that_is_set_need_not_be_written_again()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/settings/connections/add/sendgrid");
        await page.GetByLabel("API key").FillAsync("SG.secret");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Key", Exact = true }).FillAsync("grid");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Webhook verification key" }).FillAsync("no key");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add it" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Webhook verification key" })).ToHaveAttributeAsync("aria-invalid", "true");

        await page.GetByRole(AriaRole.Textbox, new() { Name = "Webhook verification key" }).FillAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add it" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Copy the webhook’s address" })).ToBeVisibleAsync();
        await Expect(page.GetByLabel("API key")).ToHaveAttributeAsync("placeholder", "Set. Leave empty to keep it.");
        await Expect(page.GetByLabel("API key")).ToHaveValueAsync("");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name", Exact = true }).FillAsync("Grid");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Grid" })).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));
        Assert.Contains("answer 400", Assert.Single(await window.CloseAsync(), trouble => trouble.StartsWith("answer", StringComparison.Ordinal)), StringComparison.Ordinal);
        (await browser.Server.Client.DeleteAsync("/api/v1/connections/grid")).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task Quiet_hours_and_limits_are_set_and_stay()
    {
        await using var window = await browser.SignInAsync();
        window.Wants("400");
        var page = window.Page;
        await page.GotoAsync("/sending");
        await page.GetByRole(AriaRole.Switch, new() { Name = "Quiet hours" }).CheckAsync();
        await page.GetByLabel("From").FillAsync("22:00");
        await page.GetByLabel("To", new() { Exact = true }).FillAsync("22:00");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save quiet hours and cap" }).ClickAsync();
        await Expect(page.GetByText("two different times of day")).ToBeVisibleAsync();

        await page.GetByLabel("To", new() { Exact = true }).FillAsync("07:30");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save quiet hours and cap" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Save quiet hours and cap" })).ToBeDisabledAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a limit" }).ClickAsync();
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Mailbox provider 1" }).FillAsync("gmail");
        await page.GetByLabel("Mails a second 1").FillAsync("15");
        // The button is disabled while it is saved, too: a reload would break that off.
        await page.RunAndWaitForResponseAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Save limits" }).ClickAsync(), answer => answer.Request.Method == "PUT");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Save limits" })).ToBeDisabledAsync();

        await page.ReloadAsync();
        await Expect(page.GetByLabel("From")).ToHaveValueAsync("22:00");
        await Expect(page.GetByLabel("To", new() { Exact = true })).ToHaveValueAsync("07:30");
        await Expect(page.GetByRole(AriaRole.Combobox, new() { Name = "Mailbox provider 1" })).ToHaveValueAsync("gmail");
        Assert.Empty(await PagesTests.SeriousAsync(page));
    }

    [Fact]
    public async Task A_domains_warm_up_is_begun_drawn_and_ended()
    {
        (await browser.Server.Client.PutAsJsonAsync("/api/v1/sender", new { name = "Shop", email = "hello@shop.test" })).EnsureSuccessStatusCode();
        (await browser.Server.Client.PutAsJsonAsync("/api/v1/connections/real", new { type = "sendgrid", settings = new { api_key = "SG.secret" } })).EnsureSuccessStatusCode();
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/sending");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "shop.test" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Begin a warm-up" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Mails on the last day" }).FillAsync("20000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Begin it today" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Warm-up: day 1 of 28" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "from 50 mails on day 1 to 20,000 on day 28" })).ToBeVisibleAsync();
        Assert.Empty(await PagesTests.SeriousAsync(page));

        await page.GetByRole(AriaRole.Button, new() { Name = "End it" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "End it" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Begin a warm-up" })).ToBeVisibleAsync();
        (await browser.Server.Client.DeleteAsync("/api/v1/connections/real")).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task The_first_real_connection_beside_published_samples_says_why_marketing_mail_waits()
    {
        (await browser.Server.Client.PutAsJsonAsync("/api/v1/sender", new { name = "Shop", email = "hello@shop.test" })).EnsureSuccessStatusCode();
        (await browser.Server.Client.PutAsJsonAsync("/api/v1/connections/first", new { type = "sendgrid", settings = new { api_key = "SG.secret" } })).EnsureSuccessStatusCode();
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/");
        var stop = page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "Marketing mail is stopped" });
        await Expect(stop).ToContainTextAsync("Set it in Settings → Sender");
        Assert.Empty(await PagesTests.SeriousAsync(page));
        await stop.GetByRole(AriaRole.Link, new() { Name = "Mend it: the stop ends by itself" }).ClickAsync();
        await page.GetByLabel("Postal address").FillAsync("1 High Street");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Save" })).ToBeDisabledAsync();
        await page.GotoAsync("/sending");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "shop.test" })).ToBeVisibleAsync();
        await Expect(stop).ToHaveCountAsync(0);
        (await browser.Server.Client.DeleteAsync("/api/v1/connections/first")).EnsureSuccessStatusCode();
    }
}
