using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>One mail, ready for a provider.</summary>
public sealed record OutgoingEmail
{
    /// <summary>The ledger's id and the send key: the same at every attempt. A provider that takes an idempotency key gets this one.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>The account (tenant).</summary>
    public required int AccountId { get; init; }

    /// <summary>From 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>When it was handed over, by the database's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Who it comes from.</summary>
    public required Mailbox From { get; init; }

    /// <summary>Where answers go, when not to <see cref="From"/>.</summary>
    public Mailbox? ReplyTo { get; init; }

    /// <summary>Whom it goes to.</summary>
    public required EmailAddress To { get; init; }

    /// <summary>The subject in plain Unicode, one line.</summary>
    public required string Subject { get; init; }

    /// <summary>The HTML body.</summary>
    public required string Html { get; init; }

    /// <summary>The plain-text body.</summary>
    public required string Text { get; init; }

    /// <summary>Further headers, in order: Message-ID, List-Unsubscribe, List-Unsubscribe-Post, List-Id, Feedback-ID, X-MailFlow-Message.</summary>
    public required IReadOnlyList<(string Name, string Value)> Headers { get; init; }

    /// <summary>The addresses in it that no other mail has: of the contact's own pages, and tracked ones. By these alone two mails of a template may differ.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>Whether a provider that tracks opens and clicks may do so for this mail; it can never track more than its connection is set to.</summary>
    public bool MayTrack { get; init; } = true;

    /// <summary>
    /// What proves that a report about this mail comes from somebody who has it: for a provider whose reports come as mail, beside the key in the return path. Null for a mail that is
    /// in no ledger.
    /// </summary>
    public string? ReturnTag { get; init; }

    /// <summary>Marketing or transactional: some providers want the two apart.</summary>
    public required MessageStream Stream { get; init; }

    /// <summary>The template's key.</summary>
    public required string Template { get; init; }

    /// <summary>The application's own id for the contact.</summary>
    public required string UserId { get; init; }

    /// <summary>The journey's definition id; null for a mail that no journey sends.</summary>
    public string? Journey { get; init; }
}
