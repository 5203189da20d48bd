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
}

/// <summary>A header that cannot be written as it was asked for: a line break in it, or no room for it.</summary>
internal sealed class MimeHeaderException(string header, string reason) : FormatException($"Header {header}: {reason}.")
{
    public string Header { get; } = header;
}
