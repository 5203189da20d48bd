using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Delivery.Deliverability.Dkim;

/// <summary>
/// Signs mail for one domain: rsa-sha256, relaxed/relaxed (RFC 6376). For all threads.
/// </summary>
/// <remarks>
/// What a mail reader shows or acts on is signed, both unsubscribe headers among them (RFC 8058 §4 wants that). From is named once more than it
/// is there: a second one put in front on the way breaks the signature. Not signed is what relays may change or add: Received, Return-Path, and the like.
/// </remarks>
public sealed class DkimSigner(string domain, string selector, DkimKey key)
{
    private const int WantedLine = 76;

    private static readonly HashSet<string> Signed = new(StringComparer.OrdinalIgnoreCase)
    {
        "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "X-MailFlow-Message",
    };

    /// <summary>A key must not be used by two at once; there are as many as threads have ever signed together.</summary>
    private readonly ConcurrentBag<RSA> _keys = [];

    /// <summary>The mail with a signature in front.</summary>
    /// <param name="mail">The octets as they go over the wire, CRLF line ends throughout.</param>
    /// <param name="at">When it is signed.</param>
    public byte[] Sign(ReadOnlySpan<byte> mail, DateTimeOffset at)
    {
        var end = mail.IndexOf("\r\n\r\n"u8);
        var body = end < 0 ? [] : mail[(end + 4)..];
        var headers = DkimCanonical.Headers(end < 0 ? mail : mail[..(end + 2)]);

        // Of several of one name, the lowest is named first (RFC 6376 §5.4.2).
        var signed = headers.Where(header => Signed.Contains(header.Name)).Reverse().ToList();
        var names = signed.Select(header => header.Name.ToLowerInvariant()).Append("from");

        var header = new StringBuilder("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=").Append(domain).Append(";\r\n\ts=").Append(selector)
            .Append("; t=").Append(at.ToUnixTimeSeconds()).Append(";\r\n\th=");
        Folded(header, names);
        header.Append(";\r\n\tbh=").Append(Convert.ToBase64String(SHA256.HashData(DkimCanonical.Body(body)))).Append(";\r\n\tb=");

        var text = new StringBuilder();
        foreach (var (name, value) in signed) text.Append(DkimCanonical.Relaxed(name, value)).Append("\r\n");
        text.Append(DkimCanonical.Relaxed("DKIM-Signature", header.ToString()["DKIM-Signature:".Length..]));
        Folded(header, Convert.ToBase64String(SignText(text.ToString())));
        header.Append("\r\n");

        var octets = DkimCanonical.Octets.GetBytes(header.ToString());
        return [.. octets, .. mail];
    }

    private byte[] SignText(string text)
    {
        if (!_keys.TryTake(out var rsa)) rsa = key.Open();
        var signature = rsa.SignData(DkimCanonical.Octets.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        _keys.Add(rsa);
        return signature;
    }

    /// <summary>Names between colons, in lines of a length that every server takes.</summary>
    private static void Folded(StringBuilder header, IEnumerable<string> names)
    {
        var column = 3;
        var first = true;
        foreach (var name in names)
        {
            if (!first)
            {
                header.Append(':');
                if (column + name.Length + 1 > WantedLine)
                {
                    header.Append("\r\n\t ");
                    column = 2;
                }
            }
            header.Append(name);
            column += name.Length + 1;
            first = false;
        }
    }

    private static void Folded(StringBuilder header, string base64)
    {
        for (var at = 0; at < base64.Length; at += WantedLine - 4)
            header.Append(at > 0 ? "\r\n\t " : "").Append(base64, at, Math.Min(WantedLine - 4, base64.Length - at));
    }
}
