using MailFlow.Content;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Sending;

/// <summary>Makes the mail: the contact as of the hand-over, the event as of the queueing, the template's pinned version.</summary>
internal sealed class Composer(TemplateRenderer renderer, UnsubscribeLinks links, SigningKeys keys, MailTracking tracking)
{
    public async Task<OutgoingEmail> ComposeAsync(TakenMessage taken, DateTimeOffset at, CancellationToken ct)
    {
        var (message, sender) = (taken.Message, taken.Sender);
        var urls = await links.ForAsync(new(message.AccountId, message.ContactId, message.Id, taken.To.ToString()), message.Snapshot.Confirm, at, ct);
        var model = new Dictionary<string, object?>
        {
            ["contact"] = taken.Contact.Fields,
            ["event"] = message.Snapshot.Event,
            ["trigger"] = message.Snapshot.Trigger,
            ["journey"] = message.Snapshot.Journey,
            ["sender"] = new Dictionary<string, object?> { ["name"] = sender.Name, ["email"] = sender.Email, ["postal_address"] = sender.PostalAddress },
            ["unsubscribe_url"] = urls.Unsubscribe,
            ["preferences_url"] = urls.Preferences,
            ["confirm_url"] = urls.Confirm,
            ["message"] = new Dictionary<string, object?> { ["id"] = message.Id.ToString() },
        };
        // Who asks for consent sends a commercial message already (CASL, s. 1(3)). Where the sender's address is not set it goes as it is: nothing would hold it until there is one, as marketing mail is held.
        var completed = message.Snapshot.Confirm is not null && !string.IsNullOrWhiteSpace(sender.PostalAddress) ? MessageStream.Marketing : message.Stream;
        var rendered = await renderer.RenderAsync(message.AccountId, message.Template, message.TemplateVersion, model, completed, message.Subject, ct);
        var from = new Mailbox(EmailAddress.Parse(sender.Email), sender.Name);
        var (html, tracked) = await tracking.TrackAsync(message.AccountId, message.Id, from.Address.Domain, taken.Route, taken.Contact, rendered.Html, ct);
        return new OutgoingEmail
        {
            MessageId = message.Id,
            AccountId = message.AccountId,
            Attempt = taken.Attempt,
            At = at,
            From = from,
            ReplyTo = sender.ReplyTo is { } replyTo ? new Mailbox(EmailAddress.Parse(replyTo)) : null,
            To = taken.To,
            Subject = rendered.Subject,
            Html = html,
            Text = rendered.Text,
            Headers = Headers(message, from.Address.Domain, urls.Unsubscribe),
            Links = [urls.Unsubscribe, urls.Preferences, .. urls.Confirm is { } confirm ? [confirm] : Array.Empty<string>(), .. tracked.Distinct()],
            MayTrack = await tracking.MayTrackAsync(message.AccountId, taken.Contact, ct),
            ReturnTag = ReturnTag.Of(message.Id, (await keys.AllAsync(ct))[0]),
            Stream = message.Stream,
            Template = message.Template,
            UserId = message.UserId,
            Journey = message.Snapshot.DefinitionId,
        };
    }

    private static List<(string, string)> Headers(ClaimedMessage message, string domain, string unsubscribe)
    {
        var headers = new List<(string, string)> { ("Message-ID", $"<{message.Id:n}@{domain}>"), ("X-MailFlow-Message", message.Id.ToString()) };
        if (message.Stream == MessageStream.Marketing)
        {
            headers.Add(("List-Unsubscribe", $"<{unsubscribe}>"));
            // One click is promised of an https address alone (RFC 8058, section 3.1).
            if (unsubscribe.StartsWith("https://", StringComparison.OrdinalIgnoreCase)) headers.Add(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
            headers.Add(("List-Id", $"<{message.Purpose ?? "marketing"}.{domain}>"));
            headers.Add(("Feedback-ID", FeedbackId(message)));
        }
        return headers;
    }

    /// <summary>
    /// By which Gmail groups its complaint figures: journey, template, stream and, last, the sender, whose id must have 5 to 15 characters and never change.
    /// A colon parts the fields, so none may hold one; keys of journeys and stored templates cannot.
    /// </summary>
    private static string FeedbackId(ClaimedMessage message) => string.Join(
        ':', message.Snapshot.DefinitionId, message.Template.Replace(':', '.'), message.Stream.ToString().ToLowerInvariant(), $"mf-{message.AccountId:00000}");
}
