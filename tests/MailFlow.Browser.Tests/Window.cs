using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace MailFlow.Browser.Tests;

/// <summary>A browser window that notes every error on its console, every failed request, and every request to another host.</summary>
public sealed class Window : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _troubles = [];
    private readonly List<string> _wanted = [];

    internal Window(IBrowserContext context, IPage page, Uri server)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            if (message.Type == "error") _troubles.Enqueue($"console: {message.Text} ({message.Location})");
        };
        page.PageError += (_, error) => _troubles.Enqueue($"page: {error}");
        context.Request += (_, request) =>
        {
            var to = new Uri(request.Url);
            if (to.Scheme is "http" or "https" or "ws" or "wss" && to.Authority != server.Authority) _troubles.Enqueue($"request to another host: {request.Url}");
        };
        // A request that the page itself gave up, as when one leaves it, has not failed.
        context.RequestFailed += (_, request) =>
        {
            if (request.Failure != "net::ERR_ABORTED") _troubles.Enqueue($"request: {request.Method} {request.Url}: {request.Failure}");
        };
        context.Response += (_, response) =>
        {
            if (response.Status >= 400) _troubles.Enqueue($"answer {response.Status}: {response.Request.Method} {response.Url}");
        };
    }

    public IPage Page { get; }

    /// <summary>
    /// Keeps a picture of the page for the guides, in the folder of the repository that the variable <c>MAILFLOW_SCREENSHOTS</c> names (<c>docs/images</c>).
    /// Without it, nothing is drawn.
    /// </summary>
    public async Task ShotAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("MAILFLOW_SCREENSHOTS") is not { Length: > 0 } folder) return;
        await Page.ScreenshotAsync(new() { Path = Path.Combine(Repository.Folder, folder, name + ".png"), Animations = ScreenshotAnimations.Disabled, Caret = ScreenshotCaret.Hide });
    }

    /// <summary>
    /// The test wants something to go wrong of which this is told; to be said first, as what is not wanted hides a test's own failure.
    /// Asked when the window is closed: a browser may tell of an answer long after the page has shown it.
    /// </summary>
    public void Wants(string trouble) => _wanted.Add(trouble);

    /// <summary>Closes it and takes what went wrong.</summary>
    public async Task<IReadOnlyList<string>> CloseAsync()
    {
        await _context.CloseAsync();
        var taken = _troubles.ToList();
        _troubles.Clear();
        return taken;
    }

    /// <summary>Closes it; fails when anything went wrong in it that no test wanted to, or something wanted did not.</summary>
    public async ValueTask DisposeAsync()
    {
        var troubles = await CloseAsync();
        await _context.DisposeAsync();
        Assert.True(troubles.All(trouble => _wanted.Exists(trouble.Contains)), string.Join('\n', troubles));
        Assert.All(_wanted, wanted => Assert.Contains(troubles, trouble => trouble.Contains(wanted, StringComparison.Ordinal)));
    }
}
