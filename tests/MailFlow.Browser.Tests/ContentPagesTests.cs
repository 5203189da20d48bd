using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>Templates and segments, made in the browser.</summary>
public sealed class ContentPagesTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task A_template_is_made_visually_saved_and_sent_as_a_test()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/templates");
        await page.GetByRole(AriaRole.Button, new() { Name = "New template" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Spring offer");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Subject" }).FillAsync("Spring is here");
        // The MJML was compiled here, under a policy that forbids eval, and rendered by the server.
        await Expect(page.FrameLocator("iframe[title='Preview of the mail']").GetByText("Hello, Ada")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("Version 1 is saved.")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Send a test" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "To" }).FillAsync("test@example.org");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Expect(page.GetByText("is on its way")).ToBeVisibleAsync();
        await page.GotoAsync("/mailbox?to=test@example.org");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Spring is here" })).ToBeVisibleAsync();
    }

    /// <summary>Each sample that is a design opens as blocks, and its HTML is what these compile to.</summary>
    [Fact]
    public async Task The_samples_designs_open_in_the_visual_editor_and_are_what_was_compiled_of_them()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        var folder = Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "workflows", "templates");
        var designed = Directory.GetFiles(folder, "*.json").Where(file => File.ReadAllText(file).Contains("\"design\"", StringComparison.Ordinal)).Select(Path.GetFileNameWithoutExtension).Order().ToList();
        Assert.Equal(15, designed.Count);
        foreach (var key in designed)
        {
            await page.GotoAsync($"/templates/{key}");
            await Expect(page.FrameLocator("iframe.gjs-frame").GetByText("Unsubscribe")).ToBeVisibleAsync();
            await Expect(page.FrameLocator("iframe[title='Preview of the mail']").GetByText("Unsubscribe")).ToBeVisibleAsync();
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true })).ToBeDisabledAsync();
        }
    }

    // The window fails the test on any request that does.
    [Fact]
    public async Task A_relative_image_of_a_mail_asks_this_server_for_nothing()
    {
        (await browser.Server.Client.PutAsJsonAsync("/api/v1/templates/relative", new { subject = "Relative", html = """<p>Seen</p><img src="images/logo.png" alt="Our logo">""", stream = "transactional" })).EnsureSuccessStatusCode();
        await using var window = await browser.SignInAsync();
        var asked = new List<string>();
        window.Page.Request += (_, request) => asked.Add(request.Url);
        await window.Page.GotoAsync("/templates/relative");
        await Expect(window.Page.FrameLocator("iframe[title='Preview of the mail']").GetByAltText("Our logo")).ToBeAttachedAsync();
        Assert.DoesNotContain(asked, address => address.Contains("logo.png", StringComparison.Ordinal));
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [Fact]
    public async Task A_segment_is_built_of_conditions_which_are_cel_and_come_back_as_conditions()
    {
        await browser.SignUpAsync("segment-1", "linus@example.org");
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/segments");
        await page.GetByRole(AriaRole.Button, new() { Name = "New segment" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("At the example");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a condition" }).ClickAsync();
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Field" }).SelectOptionAsync("contact:email");
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Operator" }).SelectOptionAsync("beginsWith");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Value" }).FillAsync("linus@");
        await Expect(page.GetByText("1 contact now")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("The segment is saved.")).ToBeVisibleAsync();

        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Value" })).ToHaveValueAsync("linus@");
        await page.GetByText("Text", new() { Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Rule" })).ToHaveValueAsync("contact.email.startsWith(\"linus@\")");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "User id" }).FillAsync("segment-1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Ask" }).ClickAsync();
        await Expect(page.GetByText("In the segment", new() { Exact = true })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Of_two_tabs_on_one_segment_the_later_save_is_refused_and_unsaved_work_is_asked_about()
    {
        (await browser.Server.Client.PutAsJsonAsync("/api/v1/segments/tabs", new { name = "Tabs", rule = "contact.n == 1" })).EnsureSuccessStatusCode();
        await using var window = await browser.SignInAsync();
        window.Wants("409");
        var page = window.Page;
        await page.GotoAsync("/segments/tabs");
        var name = page.GetByRole(AriaRole.Textbox, new() { Name = "Name" });
        await name.FillAsync("Mine");
        (await browser.Server.Client.PutAsJsonAsync("/api/v1/segments/tabs", new { name = "Theirs", rule = "contact.n == 2" })).EnsureSuccessStatusCode();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("has been changed since you opened it")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = "Home", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Stay" }).ClickAsync();
        await Expect(name).ToHaveValueAsync("Mine");
        await page.GetByRole(AriaRole.Button, new() { Name = "Discard mine" }).ClickAsync();
        await Expect(name).ToHaveValueAsync("Theirs");
        await name.FillAsync("Ours");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("The segment is saved.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = "Home", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Home" })).ToBeVisibleAsync();
    }
}
