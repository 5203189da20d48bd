using System.Net.Http.Json;
using MailFlow.Testing;
using Microsoft.Playwright;

// One browser at a time: several that draw without a graphics card only slow each other down, until something times out.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MailFlow.Browser.Tests;

/// <summary>One server and one browser for the tests of a class: the server is the real process with its samples, on a free port and a data directory of its own.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private static readonly string[] Browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mailflow-browser-");
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    /// <summary>The server, which a test may also ask directly.</summary>
    public ServerProcess Server { get; private set; } = null!;

    /// <summary>The e-mail and the password of the user that the first start made.</summary>
    public (string Email, string Password) Admin => ("admin@localhost", File.ReadAllText(Path.Combine(_folder.FullName, "admin.password")).Trim());

    private string Address => Server.Client.BaseAddress!.ToString().TrimEnd('/');

    public async Task InitializeAsync()
    {
        Server = await ServerProcess.StartAsync(_folder.FullName, postgres: null, ("MailFlow__Delivery__PublicBaseUrl", "https://mail.example.org"));
        Assertions.SetDefaultExpectTimeout(90_000); // other test projects are at work on the same machine, and Studio's start keeps the page busy
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Array.Find(Browsers, File.Exists) ?? throw new InvalidOperationException("The tests need Chromium: as root on Debian, apt-get install chromium"),
            Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
        });
    }

    public async Task DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
        await Server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>A window of its own, signed in as the administrator. Whatever goes wrong in it fails the test at its end.</summary>
    public async Task<Window> SignInAsync()
    {
        var window = await OpenAsync();
        await SignInAsync(window.Page);
        return window;
    }

    /// <summary>Signs in on a page, as the administrator.</summary>
    public async Task SignInAsync(IPage page)
    {
        await page.GotoAsync("/");
        await page.GetByLabel("E-mail").FillAsync(Admin.Email);
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Password" }).FillAsync(Admin.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Home" })).ToBeVisibleAsync();
    }

    /// <summary>Says that somebody signed up, as an application does.</summary>
    public async Task SignUpAsync(string userId, string email)
    {
        var answer = await Server.Client.PostAsJsonAsync("/api/v1/events", new { event_id = $"signed-up-{userId}", event_type = "user_signed_up", user_id = userId, payload = new { contact = new { email } } });
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Publishes the journey "broken", which fails at its first step, and sends contacts into it.</summary>
    public async Task PutBrokenJourneyAsync(params string[] userIds)
    {
        const string journey = """
            {"name":"Broken","root":{"type":"Elsa.Flowchart","id":"root","activities":[
              {"id":"on","type":"MailFlow.EventReceived","eventType":{"typeName":"String","expression":{"type":"Literal","value":"broken"}}},
              {"id":"fail","type":"MailFlow.Wait","duration":{"typeName":"String","expression":{"type":"Handlebars","value":"{{contact.delay}}"}}},
              {"id":"after","type":"MailFlow.Wait","metadata":{"displayText":"Wait after"},"duration":{"typeName":"String","expression":{"type":"Literal","value":"P1D"}}}],
             "connections":[{"source":{"activity":"on","port":"Done"},"target":{"activity":"fail","port":"In"}},{"source":{"activity":"fail","port":"Done"},"target":{"activity":"after","port":"In"}}]}}
            """;
        (await Server.Client.PutAsync("/api/v1/journeys/broken", new StringContent(journey, System.Text.Encoding.UTF8, "application/json"))).EnsureSuccessStatusCode();
        (await Server.Client.PostAsync("/api/v1/journeys/broken/publish", null)).EnsureSuccessStatusCode();
        foreach (var user in userIds)
            (await Server.Client.PostAsJsonAsync("/api/v1/events", new { event_id = $"broken-{user}", event_type = "broken", user_id = user, payload = new { } })).EnsureSuccessStatusCode();
    }

    /// <summary>A window of its own, signed in as nobody.</summary>
    public async Task<Window> OpenAsync()
    {
        var context = await _browser.NewContextAsync(new() { BaseURL = Address, ViewportSize = new() { Width = 1440, Height = 900 }, Locale = "en-GB", TimezoneId = "Europe/Berlin" });
        context.SetDefaultTimeout(90_000);
        return new Window(context, await context.NewPageAsync(), new Uri(Address));
    }
}
