using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailFlow.Delivery;

/// <summary>
/// One e-mail address that a mail server can be asked to deliver to: <c>local-part@domain</c>.
/// </summary>
/// <remarks>
/// The rules are those of RFC 5321 §4.1.2 and §4.5.3.1 with the internationalised local parts of RFC 6531 §3.3,
/// read for marketing mail: the domain is a public host name with at least one dot, no address literal
/// (<c>user@[10.0.0.1]</c>), no comment, no display name.
/// </remarks>
public readonly record struct EmailAddress
{
    /// <summary>Longest address in octets: RFC 5321's path of 256 less its angle brackets (RFC 3696 erratum 1690).</summary>
    public const int MaxOctets = 254;

    private const int MaxLocalOctets = 64;
    private const string AtomSymbols = "!#$%&'*+-/=?^_`{|}~";
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    private EmailAddress(string localPart, string domain)
    {
        LocalPart = localPart;
        Domain = domain;
    }

    /// <summary>What stands before the last <c>@</c>, as given: its case is the receiving server's business.</summary>
    public string LocalPart { get; }

    /// <summary>The domain in lower case, its international labels as A-labels (<c>xn--…</c>, RFC 5890).</summary>
    public string Domain { get; }

    /// <summary>Whether only a server that offers SMTPUTF8 (RFC 6531) can take this address.</summary>
    public bool NeedsSmtpUtf8 => LocalPart is not null && !Ascii.IsValid(LocalPart);

    /// <summary>The address as it stands in an envelope or a header: <c>local-part@domain</c>.</summary>
    public override string ToString() => LocalPart is null ? "" : $"{LocalPart}@{Domain}";

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is not one; the message says why.</exception>
    public static EmailAddress Parse(string text) =>
        TryParse(text, out var address, out var reason) ? address : throw new FormatException($"\"{text}\" is not an e-mail address: {reason}.");

    /// <inheritdoc cref="TryParse(string?, out EmailAddress, out string?)"/>
    public static bool TryParse([NotNullWhen(true)] string? text, out EmailAddress address) => TryParse(text, out address, out _);

    /// <summary>Reads an address; surrounding blanks are not trimmed.</summary>
    /// <param name="text">The address alone, without display name or angle brackets.</param>
    /// <param name="address">The address, its domain in ASCII.</param>
    /// <param name="reason">Why it is none, in words for a person, without the address itself.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, out EmailAddress address, [NotNullWhen(false)] out string? reason)
    {
        address = default;
        if (string.IsNullOrEmpty(text))
            reason = "it is empty";
        else if (text.Length > MaxOctets)
            reason = $"it is longer than {MaxOctets} octets";
        else if (text.LastIndexOf('@') is var at && at < 0)
            reason = "it has no @";
        else if ((reason = WhyNotLocal(text[..at])) is null && TryDomain(text[(at + 1)..], out var domain, out reason))
        {
            if (Encoding.UTF8.GetByteCount(text.AsSpan(0, at)) + 1 + domain.Length > MaxOctets)
                reason = $"it is longer than {MaxOctets} octets";
            else
                address = new EmailAddress(text[..at], domain);
        }

        return reason is null;
    }

    private static string? WhyNotLocal(string local)
    {
        if (local.Length == 0)
            return "nothing stands before the @";
        if (Encoding.UTF8.GetByteCount(local) > MaxLocalOctets)
            return $"the part before the @ is longer than {MaxLocalOctets} octets";
        if (local[0] == '"')
            return IsQuotedString(local) ? null : "the quoted part before the @ is not well formed";
        if (local[0] == '.' || local[^1] == '.' || local.Contains("..", StringComparison.Ordinal))
            return "the part before the @ begins or ends with a dot or has two in a row";
        for (var i = 0; i < local.Length;)
        {
            // A lone surrogate would reach the wire as U+FFFD: some other mailbox than the one that was meant.
            if (!Rune.TryGetRuneAt(local, i, out var rune))
                return "it holds a broken Unicode character";
            if (!IsAtomText(rune))
                return rune.Value is > 0x20 and < 0x7f ? $"the part before the @ cannot hold {rune}" : "it holds a blank or an invisible character";
            i += rune.Utf16SequenceLength;
        }

        return null;
    }

    private static bool IsAtomText(Rune rune) => rune.IsAscii
        ? char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '.' || AtomSymbols.Contains((char)rune.Value)
        : Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);

    private static bool IsQuotedString(string local)
    {
        if (local.Length < 3 || local[^1] != '"')
            return false;
        for (var i = 1; i < local.Length - 1; i++)
        {
            if (local[i] is < ' ' or > '~' or '"')
                return false;
            if (local[i] == '\\' && (++i == local.Length - 1 || local[i] is < ' ' or > '~'))
                return false;
        }

        return true;
    }

    private static bool TryDomain(string text, out string domain, [NotNullWhen(false)] out string? reason)
    {
        domain = "";
        reason = null;
        if (text.Length == 0)
            reason = "nothing stands after the @";
        else if (text[0] == '[')
            reason = "an address literal is not a domain";
        else
        {
            try
            {
                // Lower case first: the framework's mapping folds ASCII only when globalisation is invariant.
                domain = Idn.GetAscii(text.ToLowerInvariant()).ToLowerInvariant();
            }
            catch (ArgumentException)
            {
                reason = "the part after the @ is not a domain name";
                return false;
            }

            var labels = domain.Split('.');
            if (labels.Length < 2)
                reason = "the domain has no dot";
            else if (!labels.All(IsLabel))
                reason = "the part after the @ is not a domain name";
            else if (labels[^1].All(char.IsAsciiDigit))
                reason = "the domain ends in a number";
        }

        return reason is null;
    }

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
