using MailFlow.Engine.Expressions;

namespace MailFlow.Content;

/// <summary>
/// Completes a marketing mail with what the law asks of it: the sender's valid physical postal address and a working way to
/// opt out (CAN-SPAM, 15 U.S.C. § 7704(a)(3) and (5), 16 CFR § 316.2(p) and § 316.5), the visible counterpart of RFC 8058's headers.
/// </summary>
internal static class MarketingFooter
{
    /// <summary>Appends what is missing. Throws <see cref="RenderException"/> when it cannot be had.</summary>
    public static (string Html, string Text) Complete(string html, string text, IReadOnlyDictionary<string, object?> model)
    {
        var address = Setting(model, TemplateVariables.PostalAddress)
            ?? throw new RenderException("sender.postal_address is not set: marketing mail must show the sender's postal address. Set it in the account's sender settings");
        var url = Setting(model, TemplateVariables.UnsubscribeUrl)
            ?? throw new RenderException("unsubscribe_url is not set: marketing mail must offer a way to unsubscribe");
        var preferences = Setting(model, TemplateVariables.PreferencesUrl);
        var name = Setting(model, "sender.name");

        var addressInHtml = IsVisible(html, HandlebarsText.EscapeHtml(address)) || IsVisible(html, address);
        var urlInHtml = IsVisible(html, HandlebarsText.EscapeHtml(url)) || IsVisible(html, url);
        if (!addressInHtml || !urlInHtml) html = InsertAtEnd(html, Html(addressInHtml ? null : Lines(name, address), urlInHtml ? null : url, preferences));

        var addressInText = text.Contains(address, StringComparison.Ordinal);
        var urlInText = text.Contains(url, StringComparison.Ordinal);
        if (!addressInText || !urlInText) text = $"{text.TrimEnd()}\n\n-- \n{Text(addressInText ? null : Lines(name, address), urlInText ? null : url, preferences)}";
        return (html, text);
    }

    private static string? Setting(IReadOnlyDictionary<string, object?> model, string path) =>
        TemplateVariables.Find(model, path) is string text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    private static string[] Lines(string? name, string address)
    {
        var lines = address.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return name is null || address.StartsWith(name, StringComparison.OrdinalIgnoreCase) ? lines : [name, .. lines];
    }

    private static string Html(string[]? lines, string? url, string? preferences)
    {
        var parts = new List<string>();
        if (lines is not null) parts.Add(string.Join(" &middot; ", lines.Select(HandlebarsText.EscapeHtml)));
        // Who is offered to leave is offered to get less, too.
        if (url is not null) parts.Add(preferences is null ? Link(url, "Unsubscribe") : $"{Link(preferences, "Preferences")} &middot; {Link(url, "Unsubscribe")}");
        return $"""
            <div style="clear:both;max-width:600px;margin:32px auto 0;padding:16px 24px;border-top:1px solid #e5e7eb;font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:12px;line-height:1.6;color:#6b7280;text-align:center">
            {string.Join("<br>\n", parts)}
            </div>

            """;
    }

    private static string Link(string url, string text) => $"""<a href="{HandlebarsText.EscapeHtml(url)}" style="color:#6b7280;text-decoration:underline">{text}</a>""";

    private static string Text(string[]? lines, string? url, string? preferences) =>
        string.Join('\n', [.. lines ?? [], .. url is null || preferences is null ? Array.Empty<string>() : [$"Preferences: {preferences}"], .. url is null ? Array.Empty<string>() : [$"Unsubscribe: {url}"]]);

    /// <summary>Whether the text stands in the HTML outside of comments, where nobody would see it.</summary>
    private static bool IsVisible(string html, string text)
    {
        for (var at = html.IndexOf(text, StringComparison.Ordinal); at >= 0; at = html.IndexOf(text, at + text.Length, StringComparison.Ordinal))
        {
            var comment = html.LastIndexOf("<!--", at, StringComparison.Ordinal);
            if (comment < 0 || html.IndexOf("-->", comment, StringComparison.Ordinal) is >= 0 and var end && end < at) return true;
        }
        return false;
    }

    private static string InsertAtEnd(string html, string footer)
    {
        var end = html.LastIndexOf("</body", StringComparison.OrdinalIgnoreCase);
        if (end < 0) end = html.LastIndexOf("</html", StringComparison.OrdinalIgnoreCase);
        return end < 0 ? $"{html}\n{footer}" : html.Insert(end, footer);
    }
}
