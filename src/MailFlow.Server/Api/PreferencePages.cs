using System.Globalization;
using System.Text;
using MailFlow.Delivery;

namespace MailFlow.Server.Api;

/// <summary>The preference centre and the page that confirms a consent. As with unsubscribing, GET does nothing.</summary>
internal static class PreferencePages
{
    public static void MapPreferences(this IEndpointRouteBuilder app)
    {
        HostedPage.Map(app, Preferences.Path, "Preferences", ShowAsync, ActAsync);
        HostedPage.Map(app, Confirmation.Path, "Confirmation", ShowConfirmAsync, ConfirmAsync);
    }

    private static async Task ShowAsync(string token, HttpContext context, Preferences preferences, CancellationToken ct) =>
        await WriteAsync(context, await preferences.ReadAsync(token, ct), null);

    private static async Task ActAsync(string token, HttpContext context, Preferences preferences, CancellationToken ct)
    {
        var form = await HostedPage.FormAsync(context);
        PreferenceChoice? choice = form["action"].FirstOrDefault() switch
        {
            "save" => new PreferenceChoice.Topics(form["topic"].ToHashSet()),
            "pause-30" => new PreferenceChoice.Pause(30),
            "pause-60" => new PreferenceChoice.Pause(60),
            "pause-90" => new PreferenceChoice.Pause(90),
            "resume" => new PreferenceChoice.Resume(),
            "unsubscribe" => new PreferenceChoice.UnsubscribeFromAll(),
            _ => null,
        };
        var done = choice is not null && await preferences.ActAsync(token, choice, HostedPage.VisitorOf(context), ct);
        await WriteAsync(context, await preferences.ReadAsync(token, ct), choice is null || !done ? null : "Your choice is saved. It holds from now on.");
    }

    private static Task WriteAsync(HttpContext context, PreferencePage? page, string? notice)
    {
        if (page is null) return HostedPage.RefuseAsync(context);
        var html = new StringBuilder();
        if (notice is not null) html.Append($"<p class=\"done\" role=\"status\">{HostedPage.Encode(notice)}</p>");
        if (page.Unsubscribed) html.Append("<p><strong>You are unsubscribed from everything.</strong></p>");
        else if (page.PausedUntil is { } until)
            html.Append($"<p><strong>Paused until {until.UtcDateTime.ToString("d MMMM yyyy", CultureInfo.InvariantCulture)}.</strong></p><form method=\"post\">{HostedPage.Button("Resume now", plain: true, "action", "resume")}</form>");
        if (page.Topics.Count > 0)
        {
            html.Append("<form method=\"post\"><fieldset><legend>What would you like to get?</legend>");
            foreach (var topic in page.Topics)
                html.Append($"""<label><input type="checkbox" name="topic" value="{HostedPage.Encode(topic.Key)}"{(topic.Subscribed && !page.Unsubscribed ? " checked" : "")}>""")
                    .Append($"<span>{HostedPage.Encode(topic.Name)}{(topic.Description.Length == 0 ? "" : $"<small>{HostedPage.Encode(topic.Description)}</small>")}</span></label>");
            html.Append($"</fieldset>{HostedPage.Button("Save", plain: false, "action", "save")}</form>");
        }
        if (!page.Unsubscribed)
        {
            html.Append("<form method=\"post\"><h2>A break?</h2><p>Pause all marketing mail for a while.</p><div class=\"row\">");
            foreach (var days in PreferenceChoice.Pause.Choices) html.Append(HostedPage.Button($"{days} days", plain: true, "action", $"pause-{days}"));
            html.Append($"</div></form><form method=\"post\"><h2>No more?</h2>{HostedPage.Button("Unsubscribe from everything", plain: true, "action", "unsubscribe")}</form>");
        }
        return HostedPage.WriteAsync(context, 200, "Your preferences", $"What {page.SenderName} sends to {page.Email}.", html.ToString());
    }

    private static async Task ShowConfirmAsync(string token, HttpContext context, Confirmation confirmation, CancellationToken ct) => await (await confirmation.ReadAsync(token, ct) switch
    {
        null => HostedPage.RefuseAsync(context),
        { Expired: true } => ExpiredAsync(context),
        var page => HostedPage.WriteAsync(context, 200, "Please confirm", $"{page.SenderName} may send mail to {page.Email}:",
            $"""<p>{HostedPage.Encode(page.Purpose)}</p><form method="post">{HostedPage.Button("Yes, I agree")}</form>"""),
    });

    private static async Task ConfirmAsync(string token, HttpContext context, Confirmation confirmation, CancellationToken ct)
    {
        if (await confirmation.ActAsync(token, HostedPage.VisitorOf(context), ct)) await HostedPage.WriteAsync(context, 200, "Thank you", "Your address is confirmed.");
        else if (await confirmation.ReadAsync(token, ct) is { Expired: true }) await ExpiredAsync(context);
        else await HostedPage.RefuseAsync(context);
    }

    private static Task ExpiredAsync(HttpContext context) =>
        HostedPage.WriteAsync(context, 410, "This link has expired", "Please sign up again: you will get a new one.");
}
