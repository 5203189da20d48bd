using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>
/// Takes what comes back to the return path, one mail a call, as it is (message/rfc822): delivery reports (RFC 3464) and complaints in the form of feedback loops (RFC 5965).
/// Any other mail, such as an answer from somebody's holiday, reports nothing.
/// </summary>
internal sealed partial class SmtpWebhook : IProviderWebhook
{
    public ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct) =>
        new(PresentedSecret.Verify(call, settings.Find(SmtpType.BounceSecret)));

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        var mail = MailPart.Parse(body.Span);
        if (!mail.MediaType.Equals("multipart/report", StringComparison.OrdinalIgnoreCase)) return [];
        var parts = mail.Parts();
        var returned = parts.Where(part => part.MediaType is "message/rfc822" or "text/rfc822-headers" or "message/global" or "message/global-headers").Select(part => part.Inner()).FirstOrDefault();
        var about = new About(
            // Two copies of one report are one: its Message-ID, or its octets where it has none.
            Key: Convert.ToHexStringLower(SHA256.HashData(mail.Header("Message-ID") is { } id ? Encoding.UTF8.GetBytes(id) : body.Span))[..40],
            At: MailPart.Date(mail.Header("Date")),
            Mail: KeyOf(mail, returned));
        if (parts.FirstOrDefault(part => part.MediaType is "message/delivery-status" or "message/global-delivery-status") is { } status) return Deliveries(status, about);
        if (parts.FirstOrDefault(part => part.MediaType == "message/feedback-report") is { } complaint) return Complaint(complaint, returned, about);
        throw new FormatException("The report has no part that says what happened.");
    }

    private static List<Feedback> Deliveries(MailPart status, About about)
    {
        // A group of fields for the report, then one for each recipient.
        var groups = status.FieldGroups();
        if (groups.Count < 2) throw new FormatException("The report names no recipient.");
        var found = new List<Feedback>();
        foreach (var recipient in groups.Skip(1))
        {
            var words = Typed(recipient.Header("Diagnostic-Code"));
            var kind = recipient.Header("Action")?.Trim().ToLowerInvariant() switch
            {
                "failed" => FeedbackKind.Bounced,
                "delayed" => FeedbackKind.Delayed,
                "delivered" or "relayed" or "expanded" => FeedbackKind.Delivered,
                _ => (FeedbackKind?)null,
            };
            if (kind is null) continue;
            var code = recipient.Header("Status")?.Trim();
            var cause = kind == FeedbackKind.Bounced ? BounceClassifier.Reported(code, words, code?.StartsWith('4') == true ? BounceKind.RecipientSoft : BounceKind.MessageSoft) : null;
            found.Add(new Feedback
            {
                Key = $"dsn:{about.Key}:{found.Count}",
                Kind = kind.Value,
                At = about.At ?? MailPart.Date(recipient.Header("Last-Attempt-Date")) ?? MailPart.Date(groups[0].Header("Arrival-Date")) ?? throw new FormatException("The report has no date."),
                MessageId = about.Mail.Id,
                ReturnTag = about.Mail.Tag,
                Email = Typed(recipient.Header("Original-Recipient")) is { Length: > 0 } original ? original.Trim('<', '>') : Typed(recipient.Header("Final-Recipient"))?.Trim('<', '>'),
                Bounce = cause?.Kind,
                Fault = cause?.Fault,
                Reason = words is { Length: > 0 } || code is not null ? HttpOutcome.OneLine(words is { Length: > 0 } ? words : code!) : null,
            });
        }
        // Our mail has one recipient. Where the report tells of several, something behind the address has spread it, and where not all of them failed, the address takes mail.
        return found.TrueForAll(each => each.Kind == FeedbackKind.Bounced)
            ? found : found.ConvertAll(each => each.Bounce is BounceKind.Hard or BounceKind.RecipientSoft ? each with { Bounce = BounceKind.MessageSoft } : each);
    }

    private static IReadOnlyList<Feedback> Complaint(MailPart report, MailPart? returned, About about)
    {
        var fields = report.FieldGroups()[0];
        if (!string.Equals(fields.Header("Feedback-Type")?.Trim(), "abuse", StringComparison.OrdinalIgnoreCase)) return [];
        return
        [
            new Feedback
            {
                Key = $"arf:{about.Key}",
                Kind = FeedbackKind.Complained,
                At = about.At ?? MailPart.Date(fields.Header("Arrival-Date")) ?? throw new FormatException("The report has no date."),
                MessageId = about.Mail.Id,
                // A feedback loop reports to an address of its own, and blackens what names the recipient; the mail's return path or our header is left in one place or another.
                ReturnTag = about.Mail.Tag.Length > 0 ? about.Mail.Tag : TagOf(about.Mail.Id, fields.Header("Original-Mail-From"), returned?.Header("Return-Path")),
                Email = (fields.Header("Original-Rcpt-To") ?? returned?.Header("To"))?.Trim().Trim('<', '>'),
                Reason = fields.Header("User-Agent") is { } agent ? HttpOutcome.OneLine($"feedback loop: {agent}") : "feedback loop",
            },
        ];
    }

    /// <summary>
    /// Our key: from the address the report was sent to, which the receiver cannot lose; from the headers of the mail that came back; from its Message-ID, which holds it too.
    /// </summary>
    private static (Guid? Id, string Tag) KeyOf(MailPart report, MailPart? returned)
    {
        var proof = returned?.Header(SmtpProvider.ProofHeader)?.Trim() ?? "";
        foreach (var name in (string[])["X-Original-To", "Delivered-To", "To"])
            if (report.Header(name) is { } to && TaggedAddress().Match(to) is { Success: true } match)
                return (Guid.ParseExact(match.Groups[1].Value, "n"), match.Groups[2].Success ? match.Groups[2].Value : proof);
        if (Guid.TryParse(returned?.Header("X-MailFlow-Message")?.Trim(), out var key)) return (key, proof);
        return (returned?.Header("Message-ID") is { } id && OwnMessageId().Match(id) is { Success: true } own ? Guid.ParseExact(own.Groups[1].Value, "n") : null, proof);
    }

    /// <summary>The signature in the first of these return paths that is of this mail.</summary>
    private static string TagOf(Guid? id, params string?[] paths) => paths.Select(path => TaggedAddress().Match(path ?? ""))
        .FirstOrDefault(match => match.Success && Guid.ParseExact(match.Groups[1].Value, "n") == id)?.Groups[2].Value ?? "";

    /// <summary>What stands behind the type: <c>smtp; 550 5.1.1 unknown</c>.</summary>
    private static string? Typed(string? field) => field is null ? null : field[(field.IndexOf(';', StringComparison.Ordinal) + 1)..].Trim();

    private sealed record About(string Key, DateTimeOffset? At, (Guid? Id, string Tag) Mail);

    [GeneratedRegex(@"\+([0-9a-f]{32})([0-9a-f]{12})?@", RegexOptions.IgnoreCase)]
    private static partial Regex TaggedAddress();

    [GeneratedRegex(@"<([0-9a-f]{32})@", RegexOptions.IgnoreCase)]
    private static partial Regex OwnMessageId();
}
