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
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Name" })).ToHaveValueAsync("Copy of Welcome series");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Spring welcome");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("/journeys/.*/design"));
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Spring welcome" })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Publish…" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Publish", Exact = true }).ClickAsync();
        await Expect(page.GetByText("is published")).ToBeVisibleAsync();

        await browser.SignUpAsync("live-1", "grace@example.org");
        await page.GetByRole(AriaRole.Tab, new() { Name = "Live" }).ClickAsync();
        // Wide as it is, it opens at its trigger and at a size that can be read.
        var trigger = page.Locator(".react-flow__node", new() { HasText = "Contact signed up" });
        await Expect(trigger).ToBeInViewportAsync(new() { Ratio = 1 });
        Assert.True((await trigger.BoundingBoxAsync())!.Width >= 170);
        var wait = page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Wait a day.*1 waiting here") });
        await wait.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Link, new() { Name = "live-1" })).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.GetByText("List", new() { Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { NameRegex = new("Wait a day") }).GetByRole(AriaRole.Cell, new() { Name = "1", Exact = true })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Who is here: Wait a day" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Link, new() { Name = "live-1" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Trip of live-1" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_test_run_shows_months_and_the_mails_without_mailing_anybody()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys/welcome-series/test");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "First name" }).FillAsync("Grace");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Day", Exact = true }).FillAsync("4");
        await page.GetByLabel("Time", new() { Exact = true }).FillAsync("10:00");
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Mail", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Option, new() { Name = "welcome-tips" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Run the test" }).ClickAsync();
        await Expect(page.GetByText("Came to the end", new() { Exact = true })).ToBeVisibleAsync();
        await Expect(page.GetByText("Next step mail", new() { Exact = false }).First).ToBeVisibleAsync();
        await Expect(page.GetByText("10:00").First).ToContainTextAsync("Day 4");
        await page.GetByRole(AriaRole.Tab, new() { Name = "Mails (3)" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Welcome to" }).ClickAsync();
        await Expect(page.FrameLocator("iframe").GetByText("Good to have you here, Grace")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_test_takes_a_contact_that_is_there_and_an_event_as_fields_or_as_json()
    {
        await browser.SignUpAsync("copied-1", "hopper@example.org");
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys/order-receipt/test");
        await page.GetByText("An existing contact").ClickAsync();
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Contact" }).FillAsync("hopper@");
        await page.GetByRole(AriaRole.Option, new() { NameRegex = new("copied-1") }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a field: What the starting event carries" }).ClickAsync();
        await page.GetByRole(AriaRole.Combobox, new() { Name = "What the starting event carries: name 1" }).FillAsync("order_id");
        await page.GetByLabel("What the starting event carries: value 1").FillAsync("A-17");
        await page.GetByRole(AriaRole.Button, new() { Name = "Advanced: JSON" }).ClickAsync();
        await Expect(page.GetByLabel("What the starting event carries: JSON")).ToHaveValueAsync(new Regex("\"order_id\": \"A-17\""));
        await page.GetByRole(AriaRole.Button, new() { Name = "Run the test" }).ClickAsync();
        await page.GetByRole(AriaRole.Tab, new() { NameRegex = new("Mails") }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Your order A-17" })).ToContainTextAsync("hopper@example.org");
    }

    [Fact]
    public async Task A_trip_that_failed_is_skipped_or_moved_and_the_record_tells_who_did_it()
    {
        await browser.PutBrokenJourneyAsync("stuck-1", "stuck-2");
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys/broken/instances");
        ILocator Trip(string user) => page.GetByRole(AriaRole.Row, new() { NameRegex = new(user) });
        async Task ChooseAsync(string user, string what)
        {
            await Trip(user).GetByRole(AriaRole.Button, new() { Name = "What to do with this trip" }).ClickAsync();
            await page.GetByRole(AriaRole.Menuitem, new() { Name = what }).ClickAsync();
        }

        await Expect(Trip("stuck-1")).ToContainTextAsync("Failed");
        await ChooseAsync("stuck-1", "Skip the failed step");
        await page.GetByRole(AriaRole.Button, new() { Name = "Skip", Exact = true }).ClickAsync();
        await Expect(page.GetByText("The contact goes on past the step.")).ToBeVisibleAsync();
        await Expect(Trip("stuck-1")).ToContainTextAsync("Waiting");
        await ChooseAsync("stuck-2", "Move to another step");
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Combobox, new() { Name = "Step" }).ClickAsync();
        await page.GetByRole(AriaRole.Option, new() { Name = "Wait after" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Move", Exact = true }).ClickAsync();
        await Expect(Trip("stuck-2")).ToContainTextAsync("Waiting");
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Contact" }).FillAsync("stuck-2");
        await page.GetByRole(AriaRole.Option, new() { NameRegex = new("stuck-2") }).ClickAsync();
        await Expect(Trip("stuck-1")).Not.ToBeAttachedAsync();

        await page.GotoAsync("/settings/audit");
        await page.GetByRole(AriaRole.Combobox, new() { Name = "What" }).ClickAsync();
        await page.GetByRole(AriaRole.Option, new() { Name = "Moved a contact to another step" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Table).GetByRole(AriaRole.Row)).ToHaveCountAsync(2); // the head, and the one
        await Expect(page.GetByRole(AriaRole.Row, new() { NameRegex = new("admin@localhost.*Trip of stuck-2") })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Entry_rules_are_saved_in_plain_forms_and_shown_as_a_difference()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/journeys/win-back/overview");
        await page.GetByRole(AriaRole.Radio, new() { Name = "Once in a period" }).CheckAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Period", Exact = true }).FillAsync("30");
        await page.GetByRole(AriaRole.Switch, new() { Name = "Let go of contacts who are too late" }).CheckAsync();
        var late = page.GetByRole(AriaRole.Textbox, new() { Name = "Late by more than", Exact = true });
        await late.FillAsync("0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save the draft" }).ClickAsync();
        await Expect(page.GetByText("This must be longer than nothing.")).ToBeVisibleAsync();
        await late.FillAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save the draft" }).ClickAsync();
        await Expect(page.GetByText("The draft is saved.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("Rule", new() { Exact = true }).First).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("The time after which a late wait is let go is now 3 days")).ToBeVisibleAsync();
    }
}
