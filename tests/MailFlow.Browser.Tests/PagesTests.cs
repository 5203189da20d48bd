using System.Text.Json;
using Microsoft.Playwright;

namespace MailFlow.Browser.Tests;

/// <summary>Each page of the console by itself: it opens without an error, and axe finds nothing serious in it.</summary>
public sealed class PagesTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    private static readonly (string Path, string Shows)[] Pages =
    [
        ("/", "Running journeys"),
        ("/journeys", "Welcome series"),
        ("/journeys/welcome-series/overview", "Who may enter"),
        ("/journeys/welcome-series/live", "Opened within three days?"),
        ("/journeys/welcome-series/test", "Run the test"),
        ("/journeys/welcome-series/instances", "No contact to show"),
        ("/journeys/welcome-series/versions", "What changed"),
        ("/contacts", "Contacts"),
        ("/segments", "Our best customers"),
        ("/segments/vip-customers", "Who is in it"),
        ("/templates", "welcome-tips"),
        ("/templates/welcome", "Desktop"),
        ("/mailbox", "Mailbox"),
        ("/sending", "All mail is captured"),
        ("/suppressions", "No address is suppressed"),
        ("/settings/sender", "Postal address"),
        ("/settings/domains", "No sending domain yet"),
        ("/settings/connections", "No connection yet"),
        ("/settings/connections/add/ses", "Secret access key"),
        ("/settings/webhooks", "No webhook yet"),
        ("/settings/users", "Administrator"),
        ("/settings/api-keys", "Make a key"),
        ("/settings/audit", "Nothing was changed yet"),
        ("/settings/cluster", "Shards in work"),
    ];

    // Seen red with a button that had an icon and no name.
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Every_page_opens_without_an_error_and_without_a_serious_finding_of_axe(ColorScheme scheme)
    {
        await using var window = await browser.SignInAsync();
        await window.Page.EmulateMediaAsync(new() { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
        List<string> findings = [];
        foreach (var (path, shows) in Pages)
        {
            await window.Page.GotoAsync(path);
            await Assertions.Expect(window.Page.GetByText(shows).First).ToBeVisibleAsync();
            findings.AddRange((await SeriousAsync(window.Page)).Select(finding => $"{path}: {finding}"));
        }
        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    [Fact]
    public async Task A_page_that_is_not_there_says_so()
    {
        await using var window = await browser.SignInAsync();
        await window.Page.GotoAsync("/nowhere");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "There is no such page" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_sending_domain_is_added_and_given_a_key_whose_record_can_be_copied()
    {
        await using var window = await browser.SignInAsync();
        await window.Page.GotoAsync("/settings/domains");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Add a domain" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Textbox, new() { Name = "Domain" }).FillAsync("Shop.test");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Add it" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "shop.test" })).ToBeVisibleAsync();
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Sign mail here: make a key" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByText("A new signing key waits for its record")).ToBeVisibleAsync();
        await Assertions.Expect(window.Page.GetByText("v=DKIM1; k=rsa; p=MII")).ToBeVisibleAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Button, new() { Name = "Copy the value of mailflow" })).ToBeVisibleAsync();
        Assert.Empty(await SeriousAsync(window.Page));

        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Forget" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Forget it" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByText("No sending domain yet")).ToBeVisibleAsync();
    }

    /// <summary>What axe holds for serious or worse, foreign documents in frames left out.</summary>
    internal static async Task<IEnumerable<string>> SeriousAsync(IPage page)
    {
        await page.EvaluateAsync(await File.ReadAllTextAsync(Path.Combine(Repository.Folder, "designer", "node_modules", "axe-core", "axe.min.js")));
        var result = await page.EvaluateAsync<JsonElement>("() => axe.run(document, { iframes: false })");
        return
            from violation in result.GetProperty("violations").EnumerateArray()
            where violation.GetProperty("impact").GetString() is "serious" or "critical"
            from node in violation.GetProperty("nodes").EnumerateArray()
            select $"{violation.GetProperty("id").GetString()}: {node.GetProperty("html").GetString()}";
    }
}
