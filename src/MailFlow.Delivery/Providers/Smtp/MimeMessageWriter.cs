using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>
/// Writes a mail as the octets that go over the wire (RFC 5322, MIME by RFC 2045–2047), CRLF line ends throughout.
/// </summary>
/// <remarks>
/// The same mail always gives the same octets: nothing is drawn at random and no clock is read. All is ASCII but for
/// local parts outside ASCII, which have no ASCII form (RFC 6532) and make the mail need SMTPUTF8.
/// </remarks>
internal static class MimeMessageWriter
{
    private static readonly HashSet<string> Own = new(StringComparer.OrdinalIgnoreCase)
    {
        "Message-ID", "Date", "From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject", "MIME-Version",
        "List-Unsubscribe", "List-Unsubscribe-Post", "Return-Path", "Received",
    };

    /// <exception cref="MimeHeaderException">A header holds a line break or NUL, is the writer's own, or does not fit.</exception>
    /// <exception cref="ArgumentException">The mail has no recipient, or neither text nor HTML.</exception>
    public static byte[] Write(MimeMessage mail)
    {
        if (mail.To.Count == 0)
            throw new ArgumentException("A mail needs at least one recipient.", nameof(mail));
        if (mail.Text is null && mail.Html is null)
            throw new ArgumentException("A mail needs a text or an HTML body.", nameof(mail));

        var target = new StringBuilder(2048 + (mail.Html?.Length ?? 0) + (mail.Text?.Length ?? 0));
        var messageId = MessageId(mail.MessageId);
        new HeaderText(target, "Message-ID").Structured(messageId).End();
        new HeaderText(target, "Date").Structured(mail.Date.ToString("ddd, dd MMM yyyy HH:mm:ss ", CultureInfo.InvariantCulture)
            + mail.Date.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal)).End();
        new HeaderText(target, "From").Mailboxes([mail.From]).End();
        new HeaderText(target, "To").Mailboxes(mail.To).End();
        if (mail.ReplyTo.Count > 0)
            new HeaderText(target, "Reply-To").Mailboxes(mail.ReplyTo).End();
        new HeaderText(target, "Subject").Unstructured(mail.Subject).End();
        Unsubscribe(target, mail);
        foreach (var (name, value) in mail.Headers)
        {
            if (Own.Contains(name) || name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase))
                throw new MimeHeaderException(name, "the mail writes it itself");
            new HeaderText(target, name).Unstructured(value).End();
        }

        new HeaderText(target, "MIME-Version").Structured("1.0").End();
        Bodies(target, mail, messageId);
        return Encoding.UTF8.GetBytes(target.ToString());
    }

    private static void Unsubscribe(StringBuilder target, MimeMessage mail)
    {
        const string Name = "List-Unsubscribe";
        if (mail.ListUnsubscribe.Count > 0)
        {
            foreach (var address in mail.ListUnsubscribe)
            {
                HeaderText.RefuseLineBreaks(Name, address);
                if (address.Any(c => c is <= ' ' or > '~' or '<' or '>'))
                    throw new MimeHeaderException(Name, "an address in it is not a URI in ASCII");
            }

            new HeaderText(target, Name).Structured(string.Join(", ", mail.ListUnsubscribe.Select(address => $"<{address}>"))).End();
        }

        if (!mail.OneClickUnsubscribe)
            return;
        if (!mail.ListUnsubscribe.Any(address => address.StartsWith("http", StringComparison.OrdinalIgnoreCase)))
            throw new MimeHeaderException("List-Unsubscribe-Post", "List-Unsubscribe has no http address to post to (RFC 8058 §3.1)");
        new HeaderText(target, "List-Unsubscribe-Post").Structured("List-Unsubscribe=One-Click").End();
    }

    private static void Bodies(StringBuilder target, MimeMessage mail, string messageId)
    {
        if (mail.Text is null || mail.Html is null)
        {
            Part(target, mail.Html is null ? "plain" : "html", mail.Html ?? mail.Text!);
            return;
        }

        // "=_" occurs in no quoted-printable text and "_" in no base64, so no body can hold the boundary.
        var boundary = "=_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(messageId)))[..32];
        target.Append("Content-Type: multipart/alternative;\r\n boundary=\"").Append(boundary).Append("\"\r\n\r\n");
        target.Append("--").Append(boundary).Append("\r\n");
        Part(target, "plain", mail.Text);
        target.Append("\r\n--").Append(boundary).Append("\r\n");
        Part(target, "html", mail.Html);
        target.Append("\r\n--").Append(boundary).Append("--\r\n");
    }

    private static void Part(StringBuilder target, string subtype, string text)
    {
        var (encoding, encoded) = BodyEncoding.Encode(text);
        target.Append("Content-Type: text/").Append(subtype).Append("; charset=utf-8\r\nContent-Transfer-Encoding: ").Append(encoding)
            .Append("\r\n\r\n").Append(encoded);
    }

    private static string MessageId(string text)
    {
        HeaderText.RefuseLineBreaks("Message-ID", text);
        var bare = text.StartsWith('<') && text.EndsWith('>') ? text[1..^1] : text;
        var at = bare.IndexOf('@', StringComparison.Ordinal);
        if (at <= 0 || at != bare.LastIndexOf('@') || at == bare.Length - 1 || bare.Any(c => c is <= ' ' or > '~' or '<' or '>'))
            throw new MimeHeaderException("Message-ID", "it is not of the form left@right in ASCII");
        return $"<{bare}>";
    }
}
