using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>What a marketer does with journeys outside the designer.</summary>
public sealed class JourneyPagesTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task A_copy_of_a_sample_is_published_and_its_contacts_are_seen_on_the_live_canvas()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys?new");
        await page.GetByRole(AriaRole.Tab, new() { Name = "From a sample" }).ClickAsync();
        await page.GetByRole(AriaRole.Radio, new() { Name = "Welcome series" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Spring welcome");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await page.WaitForURLAsync(new Regex("/journeys/.*/design"));

        await page.GetByRole(AriaRole.Button, new() { Name = "Publish…" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Publish", Exact = true }).ClickAsync();
        await Expect(page.GetByText("is published")).ToBeVisibleAsync();

        await browser.SignUpAsync("live-1", "grace@example.org");
        await page.GetByRole(AriaRole.Tab, new() { Name = "Live" }).ClickAsync();
        var wait = page.Locator(".react-flow__node", new() { HasText = "Wait a day" });
        await Expect(wait.GetByText("1 waiting here")).ToBeVisibleAsync();
        await wait.ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Link, new() { Name = "live-1" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Trip of live-1" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_test_run_shows_months_and_the_mails_without_mailing_anybody()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys/welcome-series/test");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add" }).ClickAsync();
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Mail", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Option, new() { Name = "welcome-tips" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Run the test" }).ClickAsync();
        await Expect(page.GetByText("Came to the end")).ToBeVisibleAsync();
        await Expect(page.GetByText("Next step mail", new() { Exact = false }).First).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Tab, new() { Name = "Mails (3)" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Welcome to" }).ClickAsync();
        await Expect(page.FrameLocator("iframe").GetByText("Good to have you here")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Entry_rules_are_saved_in_plain_forms_and_shown_as_a_difference()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys/win-back/overview");
        await page.GetByRole(AriaRole.Radio, new() { Name = "Once in a period" }).CheckAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Period", Exact = true }).FillAsync("30");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save the draft" }).ClickAsync();
        await Expect(page.GetByText("The draft is saved.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("Rule", new() { Exact = true }).First).ToBeVisibleAsync();
    }
}
