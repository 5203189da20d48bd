using System.Globalization;

namespace MailFlow.Audience;

/// <summary>What counts as an e-mail address, and the form addresses are compared in.</summary>
public static class EmailAddress
{
    private const int LongestAddress = 254, LongestLocalPart = 64, LongestLabel = 63;
    private const string LocalPunctuation = "!#$%&'*+-/=?^_`{|}~";

    private static readonly IdnMapping Idn = new();

    /// <summary>
    /// Whether this can be mailed: a dot-atom (letters beyond ASCII too), an at sign and a domain name with a dot, within the lengths of
    /// RFC 5321. Quoted local parts and address literals are refused: nobody who has one signs up with it.
    /// </summary>
    public static bool IsValid(string? text)
    {
        if (text is null || text.Length is 0 or > LongestAddress) return false;
        var at = text.LastIndexOf('@');
        return at is > 0 and <= LongestLocalPart && IsLocalPart(text.AsSpan(0, at)) && IsDomain(text.AsSpan(at + 1));
    }

    /// <summary>Whether this stands for all addresses of one domain: <c>@example.org</c>.</summary>
    public static bool IsWholeDomain(string? text) => text is { Length: > 1 and <= LongestAddress } && text[0] == '@' && IsDomain(text.AsSpan(1));

    /// <summary>The form in which contacts' addresses are looked up: trimmed, ASCII letters in lower case, as both databases do it.</summary>
    public static string Key(string address) =>
        string.Create(address.Trim().Length, address, static (key, whole) => whole.AsSpan().Trim().ToLowerAscii(key));

    /// <summary>
    /// The form in which suppressions compare addresses and domains: <see cref="Key"/>, the domain's international labels as A-labels (<c>xn--…</c>, RFC 5890). Mail to
    /// <c>a@münchen.example</c> and to <c>a@xn--mnchen-3ya.example</c> reaches one mailbox, so what blocks one blocks the other.
    /// </summary>
    public static string MailboxKey(string address)
    {
        var key = Key(address);
        var domain = key.LastIndexOf('@') + 1;
        if (domain == 0 || !key.AsSpan(domain).ContainsAnyExceptInRange('\0', '\u007f')) return key;
        try
        {
            // Lower case first: the framework's mapping folds ASCII only when globalisation is invariant.
            return key[..domain] + Idn.GetAscii(key[domain..].ToLowerInvariant());
        }
        catch (ArgumentException)
        {
            return key; // no domain that mail can go to
        }
    }

    private static void ToLowerAscii(this ReadOnlySpan<char> from, Span<char> to)
    {
        for (var i = 0; i < from.Length; i++) to[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
    }

    private static bool IsLocalPart(ReadOnlySpan<char> local)
    {
        var afterDot = true;
        foreach (var unit in local)
        {
            if (unit == '.' && afterDot) return false;
            afterDot = unit == '.';
            if (!afterDot && !char.IsAsciiLetterOrDigit(unit) && !LocalPunctuation.Contains(unit) && !IsBeyondAscii(unit)) return false;
        }
        return !afterDot;
    }

    private static bool IsDomain(ReadOnlySpan<char> domain)
    {
        var labels = 0;
        foreach (var range in domain.Split('.'))
        {
            var label = domain[range];
            if (label.Length is 0 or > LongestLabel || label[0] == '-' || label[^1] == '-') return false;
            foreach (var unit in label)
                if (!char.IsAsciiLetterOrDigit(unit) && unit != '-' && !IsBeyondAscii(unit)) return false;
            labels++;
        }
        return labels >= 2;
    }

    private static bool IsBeyondAscii(char unit) => unit >= 0x80 && !char.IsControl(unit) && !char.IsWhiteSpace(unit);
}
