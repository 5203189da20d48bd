using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MailFlow.Browser.Tests;

/// <summary>What is shown of a contact, and what each role is offered.</summary>
public sealed class ContactPagesTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task An_administrator_exports_a_contact_and_erases_it_after_being_told_what_is_lost()
    {
        await PutAsync("leaving");
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync("/contacts/leaving");
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Export" }).ClickAsync());
        Assert.Equal("leaving.json", download.SuggestedFilename);
        Assert.Contains("leaving@example.org", await File.ReadAllTextAsync(await download.PathAsync()));

        await page.GetByRole(AriaRole.Button, new() { Name = "Erase" }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Expect(dialog.GetByText("Nothing takes this back")).ToBeVisibleAsync();
        await Expect(dialog.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(3);
        Assert.Empty(await PagesTests.SeriousAsync(page));
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Erase leaving" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Contacts" })).ToBeVisibleAsync();
        await Expect(page.GetByText("leaving@example.org")).ToHaveCountAsync(0);
    }

    // Seen red: it said nothing, and offered both.
    [Fact]
    public async Task An_erased_contact_says_so_and_is_neither_exported_nor_erased_again()
    {
        await PutAsync("gone");
        var id = (await browser.Server.Client.GetFromJsonAsync<JsonElement>("/api/v1/contacts/gone")).GetProperty("id").GetInt64();
        Assert.Equal(HttpStatusCode.OK, (await browser.Server.Client.PostAsync("/api/v1/contacts/gone/erase", null)).StatusCode);
        await using var window = await browser.SignInAsync();
        var page = window.Page;
        await page.GotoAsync($"/contacts/erased-{id}");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = $"erased-{id}" })).ToBeVisibleAsync();
        await Expect(page.GetByText("This contact was erased on")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Erase" })).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Export" })).ToHaveCountAsync(0);
        Assert.Empty(await PagesTests.SeriousAsync(page));
    }

    [Fact]
    public async Task A_viewer_is_offered_nothing_that_the_server_would_refuse()
    {
        await PutAsync("looked-at");
        (await browser.Server.Client.PostAsJsonAsync("/api/v1/users", new { email = "looks@example.org", role = "viewer", password = "correct horse battery" })).EnsureSuccessStatusCode();
        await using var window = await browser.OpenAsync();
        var page = window.Page;
        await page.GotoAsync("/sign-in");
        await page.GetByLabel("E-mail").FillAsync("looks@example.org");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Password" }).FillAsync("correct horse battery");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();

        await Expect(page.GetByText("Look at a journey")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Send event" })).ToHaveCountAsync(0);
        await Expect(page.GetByText("Say who you are")).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Settings" })).ToHaveCountAsync(0);

        await page.GotoAsync("/sending");
        await Expect(page.GetByText("an administrator connects a provider")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Connect a provider" })).ToHaveCountAsync(0);

        await page.GotoAsync("/contacts/looked-at");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "looked-at@example.org" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Erase" })).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Export" })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_pause_says_until_when_and_not_with_which_program_it_was_asked_for()
    {
        await PutAsync("resting");
        var pause = new { email = "resting@example.org", scope = "marketing", reason = "paused", expires_at = "2099-01-31T12:00:00Z", detail = "preferences of a message, followed with Mozilla/5.0" };
        (await browser.Server.Client.PostAsJsonAsync("/api/v1/suppressions", pause)).EnsureSuccessStatusCode();
        await using var window = await browser.SignInAsync();
        await window.Page.GotoAsync("/contacts/resting");
        var said = window.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "Gets no marketing mail" });
        await Expect(said).ToContainTextAsync("until 31 Jan 2099");
        await Expect(said).Not.ToContainTextAsync("Mozilla");
    }

    private async Task PutAsync(string userId) =>
        (await browser.Server.Client.PutAsJsonAsync($"/api/v1/contacts/{userId}", new { email = $"{userId}@example.org" })).EnsureSuccessStatusCode();
}
