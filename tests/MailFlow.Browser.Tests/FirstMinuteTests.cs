using Microsoft.Playwright;

namespace MailFlow.Browser.Tests;

/// <summary>What a newcomer does in the first minute.</summary>
public sealed class FirstMinuteTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task A_newcomer_signs_in_sends_a_sample_event_and_reads_the_mail_that_follows()
    {
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GetByLabel("First name").FillAsync("Grace");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "E-mail" }).FillAsync("grace@example.org");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send event" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Read it" }).ClickAsync();

        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Mailbox" })).ToBeVisibleAsync();
        await Assertions.Expect(page.FrameLocator("iframe").GetByText("Grace").First).ToBeVisibleAsync();
    }

    // The one guard against a guard that sees nothing: the window does note what goes wrong.
    [Fact]
    public async Task Who_signs_in_with_a_wrong_password_is_told_so()
    {
        await using var window = await browser.OpenAsync();
        window.Wants("401");
        var page = window.Page;
        await page.GotoAsync("/journeys");
        await page.GetByLabel("E-mail").FillAsync(browser.Admin.Email);
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Password" }).FillAsync("not the password");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("password is wrong");
    }
}
