using System.Text.Json;

namespace MailFlow.Delivery.Providers.SendGrid;

/// <summary>
/// Mails that share one request: the same sender, answer address, leave to track and content, up to what SendGrid itself can put in. Each is a personalisation with subject, headers and
/// key of its own. What differs in the content of two such mails can only be each mail's own links and the message's id: these are known, and are substituted.
/// </summary>
internal sealed record SendGridRequest(IReadOnlyList<OutgoingEmail> Emails, string Html, string Text)
{
    /// <summary>The most personalisations of a request.</summary>
    public const int Most = 1000;

    /// <summary>SendGrid takes 10,000 bytes of substitutions a personalisation (its API description of <c>mail/send</c>, <c>personalizations.substitutions</c>): some less, for what it may count besides.</summary>
    private const int MostSubstituted = 9_500;

    private const string Mark = "%mf-", IdMark = "%mf-message%";

    /// <summary>The fewest requests that say the same as one a mail. The order within each is that of the mails.</summary>
    public static IEnumerable<SendGridRequest> Group(IEnumerable<OutgoingEmail> emails)
    {
        var groups = emails.Select(email => (Email: email, Alone: HoldsMark(email) || Substitutions(email).Sum(one => one.Mark.Length + one.Own.Length) > MostSubstituted, Html: Marked(email, email.Html), Text: Marked(email, email.Text)))
            .GroupBy(one => (one.Email.From, one.Email.ReplyTo, one.Email.Template, one.Email.Journey, one.Email.MayTrack, one.Html, one.Text, one.Alone ? one.Email.MessageId : default));
        foreach (var group in groups)
        {
            // An address may stand in one personalisation of a request only.
            var open = new List<(List<OutgoingEmail> Emails, HashSet<string> Addresses)>();
            foreach (var (email, _, _, _) in group)
            {
                var address = email.To.ToString().ToLowerInvariant();
                var request = open.Find(request => request.Emails.Count < Most && !request.Addresses.Contains(address));
                if (request.Emails is null) open.Add(request = ([], []));
                request.Emails.Add(email);
                request.Addresses.Add(address);
            }
            foreach (var (members, _) in open)
                yield return members.Count == 1 ? Of(members[0]) : new SendGridRequest(members, group.Key.Html, group.Key.Text);
        }
    }

    /// <summary>A request for one mail, which needs no substitutions.</summary>
    public static SendGridRequest Of(OutgoingEmail email) => new([email], email.Html, email.Text);

    /// <summary>The two halves of a request that was refused as a whole: one of its mails is to blame.</summary>
    public IEnumerable<SendGridRequest> Halves() => new[] { Emails.Take(Emails.Count / 2), Emails.Skip(Emails.Count / 2) }
        .Select(half => half.ToList()).Select(half => half.Count == 1 ? Of(half[0]) : this with { Emails = half });

    /// <param name="tracking"><c>off</c>, <c>opens</c>, <c>clicks</c> or <c>all</c>.</param>
    public byte[] Write(string tracking)
    {
        using var target = new MemoryStream(Html.Length + Text.Length + (Emails.Count * 800));
        using (var json = new Utf8JsonWriter(target))
        {
            var first = Emails[0];
            if (!first.MayTrack) tracking = "off";
            json.WriteStartObject();
            json.WriteStartArray("personalizations");
            foreach (var email in Emails) Personalization(json, email);
            json.WriteEndArray();
            Mailbox(json, "from", first.From);
            if (first.ReplyTo is { } replyTo) Mailbox(json, "reply_to", replyTo);
            json.WriteStartArray("content");
            Content(json, "text/plain", Text);
            Content(json, "text/html", Html);
            json.WriteEndArray();
            json.WriteStartArray("categories");
            foreach (var tag in MailText.Tags(first, 255)) json.WriteStringValue(tag);
            json.WriteEndArray();
            json.WriteStartObject("tracking_settings");
            Switch(json, "click_tracking", tracking is "clicks" or "all");
            Switch(json, "open_tracking", tracking is "opens" or "all");
            // Their unsubscribe link would stand beside ours and take the header's place; their campaign parameters change links.
            Switch(json, "subscription_tracking", false);
            Switch(json, "ganalytics", false);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return target.ToArray();
    }

    private void Personalization(Utf8JsonWriter json, OutgoingEmail email)
    {
        json.WriteStartObject();
        json.WriteStartArray("to");
        json.WriteStartObject();
        json.WriteString("email", email.To.ToString());
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteString("subject", email.Subject);
        json.WriteStartObject("headers");
        foreach (var (name, value) in email.Headers) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartObject("custom_args");
        json.WriteString(MailText.KeyName, email.MessageId);
        json.WriteEndObject();
        if (Emails.Count > 1)
        {
            json.WriteStartObject("substitutions");
            foreach (var (mark, own) in Substitutions(email)) json.WriteString(mark, own);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    /// <summary>Whether its own words look like a mark, which SendGrid would fill in: such a mail goes alone, without substitutions.</summary>
    private static bool HoldsMark(OutgoingEmail email) =>
        email.Html.Contains(Mark, StringComparison.Ordinal) || email.Text.Contains(Mark, StringComparison.Ordinal) || email.Subject.Contains(Mark, StringComparison.Ordinal);

    /// <summary>The content with marks for what is this mail's own.</summary>
    private static string Marked(OutgoingEmail email, string content) =>
        Substitutions(email).Aggregate(content, (text, one) => text.Replace(one.Own, one.Mark, StringComparison.Ordinal));

    /// <summary>What is this mail's own, each with its mark. Links are counted: two mails that say the same have theirs in the same order.</summary>
    private static IEnumerable<(string Mark, string Own)> Substitutions(OutgoingEmail email) =>
        email.Links.Select((link, i) => ($"{Mark}link-{i}%", link)).Append((IdMark, email.MessageId.ToString()));

    private static void Mailbox(Utf8JsonWriter json, string name, Mailbox mailbox)
    {
        json.WriteStartObject(name);
        json.WriteString("email", mailbox.Address.ToString());
        if (!string.IsNullOrWhiteSpace(mailbox.DisplayName)) json.WriteString("name", mailbox.DisplayName.Trim());
        json.WriteEndObject();
    }

    private static void Content(Utf8JsonWriter json, string type, string value)
    {
        if (value.Length == 0) return;
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString("value", value);
        json.WriteEndObject();
    }

    private static void Switch(Utf8JsonWriter json, string name, bool on)
    {
        json.WriteStartObject(name);
        json.WriteBoolean("enable", on);
        json.WriteEndObject();
    }
}
