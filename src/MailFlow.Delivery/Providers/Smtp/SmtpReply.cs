using System.Text.RegularExpressions;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>One reply, its lines joined (RFC 5321 §4.2), its enhanced status code taken off (RFC 2034, RFC 3463).</summary>
internal sealed partial record SmtpReply(int Code, string? EnhancedCode, IReadOnlyList<string> Lines)
{
    public bool IsPositive => Code is >= 200 and < 300;

    public bool IsTransient => Code is >= 400 and < 500;

    public bool IsPermanent => Code is >= 500 and < 600;

    /// <summary>The server's words on one line, status codes left out.</summary>
    public string Text => string.Join(' ', Lines);

    public string? QueueId => QueuedAs().Match(Text) is { Success: true } match ? match.Groups["id"].Value : null;

    /// <summary>Takes one line apart: code, whether more lines follow, text.</summary>
    public static bool TryLine(string line, out int code, out bool more, out string text)
    {
        (code, more, text) = (0, false, "");
        if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), System.Globalization.NumberStyles.None, null, out code) || code is < 200 or > 599)
            return false;
        if (line.Length > 3 && line[3] is not (' ' or '-'))
            return false;
        more = line.Length > 3 && line[3] == '-';
        text = line.Length > 4 ? line[4..] : "";
        return true;
    }

    public static SmtpReply Of(int code, IReadOnlyList<string> lines)
    {
        string? enhanced = null;
        var texts = new List<string>(lines.Count);
        foreach (var line in lines)
        {
            // A status whose class contradicts the code belongs to the text.
            if (Enhanced().Match(line) is { Success: true } match && match.Value[0] - '0' == code / 100)
            {
                enhanced ??= match.Groups["status"].Value;
                texts.Add(line[match.Length..]);
            }
            else
            {
                texts.Add(line);
            }
        }

        return new SmtpReply(code, enhanced, texts);
    }

    public override string ToString() => EnhancedCode is null ? $"{Code} {Text}" : $"{Code} {EnhancedCode} {Text}";

    [GeneratedRegex(@"^(?<status>[245]\.\d{1,3}\.\d{1,3})(?:\s+|$)", RegexOptions.ExplicitCapture)]
    private static partial Regex Enhanced();

    // Postfix, Exim, OpenSMTPD and Sendmail, Amazon SES in turn.
    [GeneratedRegex(@"queued as (?<id>[^\s;]+)|\bid=(?<id>\S+)|^(?<id>\S+) Message accepted for delivery|^Ok (?<id>[0-9a-f-]{20,})$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex QueuedAs();
}
