namespace MailFlow.Content.Handlebars;

/// <summary>Addresses that come from data. A contact's or an event's value must not become a script in the reader's mail client or web view.</summary>
internal static class LinkText
{
    private static readonly string[] Allowed = ["http", "https", "mailto", "tel", "sms", "cid"];

    /// <summary>The address, or <c>#</c> when its scheme is not one that a mail may link to.</summary>
    public static string Safe(string address)
    {
        if (IsSafe(address)) return address;
        Rendering.Current?.NoteUnsafeLink();
        return "#";
    }

    /// <summary>Browsers drop control characters and leading white space before they read a scheme, so these are passed over here too.</summary>
    private static bool IsSafe(string address)
    {
        Span<char> scheme = stackalloc char[16];
        var length = 0;
        foreach (var c in address)
        {
            if (c <= ' ' || char.IsControl(c)) continue;
            if (c == ':') return Array.Exists(Allowed, new string(scheme[..length]).Equals);
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.')) return true;
            if (length == scheme.Length) return !address.Contains(':');
            scheme[length++] = char.ToLowerInvariant(c);
        }
        return true;
    }
}
