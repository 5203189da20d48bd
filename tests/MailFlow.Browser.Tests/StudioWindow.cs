using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace MailFlow.Browser.Tests;

/// <summary>The real Elsa Studio in a window: what a person does in it, by mouse and keyboard.</summary>
internal sealed partial class StudioWindow
{
    /// <summary>Studio's page inside the console's.</summary>
    private const string Frame = "iframe[title=Designer]";

    private static readonly LocatorAssertionsToBeVisibleOptions Patiently = new() { Timeout = 120_000 };
    private static readonly TimeSpan UntilByHand = TimeSpan.FromSeconds(40);

    private readonly IPage _page;
    private readonly Func<string, ILocator> _find;

    private StudioWindow(IPage page, bool inConsole) => (_page, _find) = (page, inConsole ? selector => page.FrameLocator(Frame).Locator(selector) : selector => page.Locator(selector));

    public ILocator Activities => _find(".x6-node");

    public ILocator Connections => _find(".x6-edge");

    public ILocator Canvas => _find(".x6-graph").First;

    /// <summary>Studio's messages at the window's edge.</summary>
    public ILocator Messages => _find(".mud-snackbar");

    /// <summary>Opens a journey in the editor and waits until it is drawn.</summary>
    public static async Task<StudioWindow> OpenAsync(IPage page, string definitionId)
    {
        await page.GotoAsync($"/studio/?definition={definitionId}");
        var studio = new StudioWindow(page, inConsole: false);
        await Assertions.Expect(studio.Activities.First.Locator("elsa-activity-wrapper")).ToBeVisibleAsync(Patiently);
        await Assertions.Expect(page.Locator("#loading")).ToHaveCountAsync(0);
        return studio;
    }

    /// <summary>The editor of a new and empty journey, in the console's page of it that is open.</summary>
    public static async Task<StudioWindow> EmptyInConsoleAsync(IPage page)
    {
        var studio = new StudioWindow(page, inConsole: true);
        await Assertions.Expect(studio.Canvas).ToBeVisibleAsync(Patiently);
        await Assertions.Expect(studio._find("#loading")).ToHaveCountAsync(0);
        return studio;
    }

    /// <summary>Opens an instance in the viewer and waits until it is drawn.</summary>
    public static async Task<StudioWindow> OpenInstanceAsync(IPage page, string id)
    {
        await page.GotoAsync($"/studio/?instance={id}");
        var studio = new StudioWindow(page, inConsole: false);
        await Assertions.Expect(studio.Activities.First.Locator("elsa-activity-wrapper")).ToBeVisibleAsync(Patiently);
        return studio;
    }

    /// <summary>The activity with this id, as it is drawn.</summary>
    public ILocator Activity(string id) => _find($".x6-node[data-cell-id=\"{id}\"]");

    /// <summary>The id of the activity that is drawn under this name.</summary>
    public async Task<string> IdOfAsync(string name) => (await Activities.Filter(new() { HasText = name }).GetAttributeAsync("data-cell-id"))!;

    /// <summary>Where it stands on the canvas.</summary>
    public async Task<(double X, double Y)> PositionAsync(string id)
    {
        var place = Translate().Match(await Activity(id).GetAttributeAsync("transform") ?? "");
        return (double.Parse(place.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture), double.Parse(place.Groups[2].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>The ports it is left by.</summary>
    public async Task<IReadOnlyList<string>> PortsAsync(string id) =>
        await Activity(id).Locator(".x6-port-body[port-group=\"out\"]").EvaluateAllAsync<string[]>("ports => ports.map(port => port.getAttribute('port'))");

    /// <summary>Selects an activity, so that its form is shown.</summary>
    public async Task SelectAsync(string id)
    {
        var (x, y) = await CentreAsync(Activity(id).Locator(".x6-port-body[port=\"In\"]"));
        await _page.Mouse.ClickAsync(x + 60, y);
    }

    /// <summary>Drags an activity from the picker to a place on the canvas, and gives the id that Studio made for it.</summary>
    public async Task<string> DropAsync(string category, string name, float x, float y)
    {
        var before = await IdsAsync();
        var item = _find("[draggable=true]").Filter(new() { HasTextRegex = new Regex($"^\\s*{Regex.Escape(name)}\\s*$") });
        if (!await item.IsVisibleAsync()) await _find(".mud-expand-panel-text").GetByText(category, new() { Exact = true }).ClickAsync();
        await Assertions.Expect(item).ToBeVisibleAsync();
        await item.DragToAsync(Canvas, new() { TargetPosition = new() { X = x, Y = y } });
        await Assertions.Expect(Activities).ToHaveCountAsync(before.Count + 1);
        return (await IdsAsync()).Except(before).Single();
    }

    /// <summary>Draws a connection from one activity's port to another activity.</summary>
    public async Task ConnectAsync(string from, string port, string to)
    {
        var (x1, y1) = await CentreAsync(Activity(from).Locator($".x6-port-body[port=\"{port}\"]"));
        var (x2, y2) = await CentreAsync(Activity(to).Locator(".x6-port-body[port=\"In\"]"));
        await _page.Mouse.MoveAsync(x1, y1);
        await _page.Mouse.DownAsync();
        await _page.Mouse.MoveAsync((x1 + x2) / 2, (y1 + y2) / 2 + 20, new() { Steps = 8 });
        await _page.Mouse.MoveAsync(x2, y2, new() { Steps = 8 });
        await _page.Mouse.UpAsync();
    }

    /// <summary>The field of the activity's form with this label.</summary>
    public ILocator Field(string label) => _find($".mud-input-control:has(:text-is(\"{label}\"))").First;

    /// <summary>Types a line of text into a field of the activity's form.</summary>
    public async Task FillAsync(string label, string text)
    {
        await Field(label).Locator("input").FillAsync(text);
        await _page.Keyboard.PressAsync("Tab");
    }

    /// <summary>Chooses from a list of the activity's form.</summary>
    public async Task ChooseAsync(string label, string option)
    {
        await Field(label).ClickAsync();
        await _find("[role=option]").Filter(new() { HasText = option }).First.ClickAsync();
    }

    /// <summary>Types a rule into its editor, as it stands open.</summary>
    public async Task WriteRuleAsync(string label, string rule)
    {
        await Field(label).Locator(".view-line").First.ClickAsync();
        await _page.Keyboard.TypeAsync(rule);
    }

    /// <summary>Opens another part of the selected activity's form.</summary>
    public Task OpenTabAsync(string name) => _find("[role=tab]").GetByText(name, new() { Exact = true }).ClickAsync();

    /// <summary>Presses one of the buttons above the canvas, counted from the left: fit, centre, lay out.</summary>
    public Task PressToolAsync(int index) => _find(".mud-toolbar button").Nth(index).ClickAsync();

    /// <summary>
    /// Does something that makes Studio save, and gives the status of the answer. Studio forgets now and then to save what was changed while it took in the answer to its last save:
    /// then it is saved by the keyboard, as people do.
    /// </summary>
    public async Task<int> SavedByAsync(Func<Task> act)
    {
        var answer = await _page.RunAndWaitForResponseAsync(async () =>
        {
            var saved = _page.WaitForResponseAsync(IsSave, new() { Timeout = (float)UntilByHand.TotalMilliseconds });
            await act();
            try
            {
                await saved;
            }
            catch (TimeoutException)
            {
                await _page.Keyboard.PressAsync("Control+s");
            }
        }, IsSave);
        return answer.Status;

        static bool IsSave(IResponse response) => response.Request.Method == "POST" && response.Url.EndsWith("/elsa/api/workflow-definitions", StringComparison.Ordinal);
    }

    /// <summary>Saves by the keyboard.</summary>
    public Task<int> SaveAsync() => SavedByAsync(() => _page.Keyboard.PressAsync("Control+s"));

    /// <summary>Presses the cloud above the canvas.</summary>
    public Task<int> PublishAsync() => SavedByAsync(() => _find("button.mud-icon-button.mud-primary-text").First.ClickAsync());

    private async Task<IReadOnlyList<string>> IdsAsync() => await Activities.EvaluateAllAsync<string[]>("nodes => nodes.map(node => node.getAttribute('data-cell-id'))");

    private static async Task<(float X, float Y)> CentreAsync(ILocator locator)
    {
        var box = await locator.BoundingBoxAsync() ?? throw new InvalidOperationException($"{locator} is not drawn.");
        return (box.X + box.Width / 2, box.Y + box.Height / 2);
    }

    [GeneratedRegex(@"translate\((-?[\d.]+),\s*(-?[\d.]+)\)")]
    private static partial Regex Translate();
}
