using MailFlow.Engine.Expressions;

namespace MailFlow.Content.Html;

/// <summary>Addresses that come from data. A contact's or an event's value must not become a script in the reader's mail client or web view.</summary>
internal static class LinkText
{
    /// <summary>The helper's name in templates.</summary>
    public const string Helper = "link";

    private static readonly string[] Allowed = ["http", "https", "mailto", "tel", "sms", "cid"];

    [ThreadStatic]
    private static bool _replaced;

    /// <summary>The helpers that mail templates have beside the expressions' own.</summary>
    public static IReadOnlyDictionary<string, Func<object?, string>> Helpers { get; } = new Dictionary<string, Func<object?, string>> { [Helper] = value => Safe(HandlebarsText.Show(value)) };

    public static IReadOnlySet<string> HelperNames { get; } = new HashSet<string> { Helper };

    /// <summary>Whether an address was replaced on this thread since it was last asked. A rendering never leaves its thread.</summary>
    public static bool TakeReplaced()
    {
        var replaced = _replaced;
        _replaced = false;
        return replaced;
    }

    /// <summary>The address, or <c>#</c> when its scheme is not one that a mail may link to.</summary>
    private static string Safe(string address)
    {
        if (IsSafe(address)) return address;
        _replaced = true;
        return "#";
    }

    /// <summary>Browsers drop control characters and leading white space before they read a scheme, so these are passed over here too.</summary>
    public static bool IsSafe(string address)
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
