using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>A mail or a part of one, taken apart as far as reports need it: headers, media type, the parts of a multipart. Octets outside ASCII are read as Latin-1.</summary>
internal sealed partial class MailPart
{
    private const int MostParts = 100, LongestHeader = 2000;

    private readonly List<(string Name, string Value)> _headers;
    private readonly string _body;

    private MailPart(List<(string, string)> headers, string body) => (_headers, _body) = (headers, body);

    /// <summary>Type and subtype in lower case; text/plain where none is said.</summary>
    public string MediaType => (Header("Content-Type") ?? "text/plain").Split(';')[0].Trim().ToLowerInvariant();

    /// <exception cref="FormatException">It is no mail.</exception>
    public static MailPart Parse(ReadOnlySpan<byte> octets) => Parse(Encoding.Latin1.GetString(octets));

    /// <summary>A header unfolded, the first of its name; null when it is not there.</summary>
    public string? Header(string name) => _headers.FirstOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>The parts of a multipart.</summary>
    /// <exception cref="FormatException">It has no boundary, or more parts than a report has.</exception>
    public IReadOnlyList<MailPart> Parts()
    {
        if (Boundary().Match(Header("Content-Type") ?? "") is not { Success: true } match) throw new FormatException("The report's parts have no boundary.");
        var border = "--" + (match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value);
        var parts = new List<MailPart>();
        StringBuilder? part = null;
        foreach (var line in _body.Split('\n'))
        {
            var bare = line.TrimEnd('\r', ' ', '\t');
            if (bare == border || bare == border + "--")
            {
                if (part is not null) parts.Add(Parse(part.ToString()));
                if (bare != border) return parts;
                if (parts.Count == MostParts) throw new FormatException("The report has too many parts.");
                part = new StringBuilder();
            }
            else part?.Append(line).Append('\n');
        }
        // Cut off on its way: what is there is there.
        if (part is not null) parts.Add(Parse(part.ToString()));
        return parts;
    }

    /// <summary>The mail, or its headers alone, that this part holds.</summary>
    public MailPart Inner() => Parse(Decoded());

    /// <summary>The groups of fields of a report's part, parted by empty lines.</summary>
    public IReadOnlyList<MailPart> FieldGroups() =>
        [.. EmptyLine().Split(Decoded().Trim('\r', '\n')).Where(group => !string.IsNullOrWhiteSpace(group)).Take(MostParts).Select(group => new MailPart(Fields(group), ""))];

    /// <summary>A date of RFC 5322; null when it is none.</summary>
    public static DateTimeOffset? Date(string? text)
    {
        if (text is null) return null;
        var bare = Comment().Replace(text, "").Trim();
        bare = bare.EndsWith("GMT", StringComparison.OrdinalIgnoreCase) || bare.EndsWith(" UT", StringComparison.OrdinalIgnoreCase) ? bare[..bare.LastIndexOf(' ')] + " +0000" : bare;
        string[] forms = ["ddd, d MMM yyyy H:mm:ss zzz", "d MMM yyyy H:mm:ss zzz", "ddd, d MMM yyyy H:mm zzz", "d MMM yyyy H:mm zzz"];
        return DateTimeOffset.TryParseExact(Zone().Replace(bare, "$1:$2"), forms, CultureInfo.InvariantCulture, DateTimeStyles.AllowWhiteSpaces, out var at) ? at : null;
    }

    private static MailPart Parse(string text)
    {
        text = text.TrimStart('\r', '\n');
        // A mailbox file puts a line of its own before each mail.
        if (text.StartsWith("From ", StringComparison.Ordinal)) text = text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..];
        var end = EmptyLine().Match(text);
        return end.Success ? new MailPart(Fields(text[..end.Index]), text[(end.Index + end.Length)..]) : new MailPart(Fields(text), "");
    }

    private static List<(string, string)> Fields(string text)
    {
        var fields = new List<(string Name, string Value)>();
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.TrimEnd('\r');
            if (line.Length == 0) continue;
            if (line[0] is ' ' or '\t')
            {
                if (fields.Count > 0 && fields[^1].Value.Length < LongestHeader) fields[^1] = (fields[^1].Name, $"{fields[^1].Value} {line.Trim()}");
                continue;
            }
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) fields.Add((line[..colon].Trim(), line[(colon + 1)..].Trim()));
        }
        return fields;
    }

    private string Decoded()
    {
        if (!string.Equals(Header("Content-Transfer-Encoding")?.Trim(), "base64", StringComparison.OrdinalIgnoreCase)) return _body;
        try
        {
            return Encoding.Latin1.GetString(Convert.FromBase64String(_body));
        }
        catch (FormatException)
        {
            return _body;
        }
    }

    [GeneratedRegex(@"\bboundary\s*=\s*(?:""([^""]{1,200})""|([^;\s""]{1,200}))", RegexOptions.IgnoreCase)]
    private static partial Regex Boundary();

    [GeneratedRegex(@"\r?\n[ \t]*\r?\n")]
    private static partial Regex EmptyLine();

    [GeneratedRegex(@"\([^()]*\)")]
    private static partial Regex Comment();

    [GeneratedRegex(@"([+-]\d\d)(\d\d)$")]
    private static partial Regex Zone();
}
