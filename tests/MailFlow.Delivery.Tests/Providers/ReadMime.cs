using System.Text;
using System.Text.RegularExpressions;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>Takes a mail of two bodies apart. What the octets are like is judged by a foreign parser elsewhere (RealSmtpServerTests).</summary>
internal static partial class ReadMime
{
    public static (Dictionary<string, string> Headers, string Html, string Text) Of(string mime)
    {
        var end = mime.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var headers = Fold().Replace(mime[..end], "").Split("\r\n").Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => Words(pair[1]));
        return (headers, Part(mime[end..], "html"), Part(mime[end..], "plain"));
    }

    private static string Part(string body, string subtype)
    {
        var part = body.Split("--=_").Single(part => part.Contains($"Content-Type: text/{subtype}", StringComparison.Ordinal));
        var text = part[(part.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        return part.Contains("base64", StringComparison.Ordinal)
            ? Encoding.UTF8.GetString(Convert.FromBase64String(text))
            : Hex().Replace(text.Replace("=\r\n", "", StringComparison.Ordinal), match => ((char)Convert.ToByte(match.Value[1..], 16)).ToString());
    }

    private static string Words(string value) => Encoded().Replace(value, match => Encoding.UTF8.GetString(Convert.FromBase64String(match.Groups[1].Value)));

    [GeneratedRegex(@"\r\n(?=[ \t])")]
    private static partial Regex Fold();

    [GeneratedRegex("=[0-9A-F]{2}")]
    private static partial Regex Hex();

    [GeneratedRegex(@"=\?utf-8\?B\?([^?]*)\?=(?:\s+(?==\?))?")]
    private static partial Regex Encoded();
}
