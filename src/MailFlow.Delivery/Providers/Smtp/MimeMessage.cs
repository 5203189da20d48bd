namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>One mail in plain Unicode, before <see cref="MimeMessageWriter"/> encodes it.</summary>
internal sealed record MimeMessage
{
    /// <summary>Globally unique, <c>&lt;left@right&gt;</c> with or without its brackets; the MIME boundary derives from it.</summary>
    public required string MessageId { get; init; }

    public required DateTimeOffset Date { get; init; }

    public required Mailbox From { get; init; }

    public required IReadOnlyList<Mailbox> To { get; init; }

    public IReadOnlyList<Mailbox> ReplyTo { get; init; } = [];

    public string Subject { get; init; } = "";

    public string? Text { get; init; }

    public string? Html { get; init; }

    /// <summary>RFC 2369 addresses, most wanted first: <c>https:</c> and <c>mailto:</c>, without brackets.</summary>
    public IReadOnlyList<string> ListUnsubscribe { get; init; } = [];

    /// <summary>Adds RFC 8058's List-Unsubscribe-Post, which promises that a POST to the first http address unsubscribes.</summary>
    public bool OneClickUnsubscribe { get; init; }

    /// <summary>Further headers in order. Those the writer itself writes are refused, Content-* and Bcc among them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The mail that a provider was given, with its headers where the writer wants them.</summary>
    public static MimeMessage Of(OutgoingEmail email)
    {
        const string Id = "Message-ID", Unsubscribe = "List-Unsubscribe", UnsubscribePost = "List-Unsubscribe-Post";
        var own = email.Headers.Where(header => header.Name is Id or Unsubscribe or UnsubscribePost).ToLookup(header => header.Name, header => header.Value);
        return new MimeMessage
        {
            MessageId = own[Id].First(),
            Date = email.At,
            From = email.From,
            To = [new Mailbox(email.To)],
            ReplyTo = email.ReplyTo is { } replyTo ? [replyTo] : [],
            Subject = email.Subject,
            Text = email.Text,
            Html = email.Html,
            ListUnsubscribe = [.. own[Unsubscribe].Select(address => address.Trim('<', '>'))],
            OneClickUnsubscribe = own[UnsubscribePost].Any(),
            Headers = [.. email.Headers.Where(header => !own.Contains(header.Name)).Select(header => KeyValuePair.Create(header.Name, header.Value))],
        };
    }
}

/// <summary>A header that cannot be written as it was asked for: a line break in it, or no room for it.</summary>
internal sealed class MimeHeaderException(string header, string reason) : FormatException($"Header {header}: {reason}.")
{
    public string Header { get; } = header;
}
