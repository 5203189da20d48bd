using System.Security.Cryptography;
using System.Text;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.Mailgun;

/// <summary>
/// Sends by <c>POST /v3/{domain}/messages</c>. It takes no idempotency key. Its events can be searched by the Message-ID, which is ours; they appear late and are kept for as long as the
/// plan says, so searching is the operator's choice.
/// </summary>
internal sealed class MailgunSender(ProviderHttp http, TimeProvider time, Uri domain, string apiKey, string tracking, bool searches) : IEmailProvider
{
    private const string DisplayName = "Mailgun";

    // What Mailgun's manual asks of those who poll events before they rely on them.
    private static readonly TimeSpan EventsLag = TimeSpan.FromMinutes(30);

    private readonly PatientSearch _search = new(time, EventsLag);
    private readonly (string, string) _authorization = ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"api:{apiKey}")));

    public string Name => MailgunType.Key;

    public bool TracksEngagement => tracking != "off";

    public ReplayPolicy Replay => searches ? ReplayPolicy.Searchable : ReplayPolicy.Neither;

    public int Concurrency => 16;

    public TimeSpan RequestTimeout => ProviderHttp.Limit + TimeSpan.FromSeconds(5);

    public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct)
    {
        if (MailText.WhyNot(email) is { } reason) return reason;
        var (body, boundary) = Form(email);
        var outcome = await http.PostAsync(new Uri(domain, "messages"), body, $"multipart/form-data; boundary=\"{boundary}\"", [_authorization], ct);
        return outcome.HandOver(DisplayName, http.Now, Read);
    }

    public async Task<HandOver> FindAsync(OutgoingEmail email, CancellationToken ct)
    {
        if (MessageId(email) is not { } id) return new HandOver.Unknown($"{DisplayName} cannot be asked about a mail without a Message-ID");
        var outcome = await http.GetAsync(new Uri(domain, $"events?limit=1&message-id={Uri.EscapeDataString(id)}"), [_authorization], ct);
        if (outcome is not HttpOutcome.Answered { Status: 200, Json: { } json } || json.Find("items") is null) return new HandOver.Unknown($"{DisplayName} could not be asked");
        return json.Items("items").Any() ? _search.Found(email, $"<{id}>") : _search.NotFound(email, DisplayName);
    }

    private (byte[] Body, string Boundary) Form(OutgoingEmail email)
    {
        var tracked = email.MayTrack ? tracking : "off";
        List<(string Name, string Value)> fields =
        [
            ("from", MailText.Mailbox(email.From)), ("to", email.To.ToString()), ("subject", email.Subject), ("text", email.Text), ("html", email.Html),
            ($"v:{MailText.KeyName}", email.MessageId.ToString()),
            ("o:tracking-opens", tracked is "opens" or "all" ? "yes" : "no"), ("o:tracking-clicks", tracked is "clicks" or "all" ? "yes" : "no"),
            ("o:tracking", tracked == "off" ? "no" : "yes"),
        ];
        fields.AddRange(MailText.Tags(email, 128).Select(tag => ("o:tag", tag)));
        if (email.ReplyTo is { } replyTo) fields.Add(("h:Reply-To", MailText.Mailbox(replyTo)));
        fields.AddRange(email.Headers.Select(header => ($"h:{header.Name}", header.Value)));

        // Of 128 random bits: no value holds it but by a chance that nobody meets.
        var boundary = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var form = new StringBuilder(email.Html.Length + email.Text.Length + 2000);
        // The names are ours, or headers' names, which hold visible ASCII only.
        foreach (var (name, value) in fields)
            form.Append("--").Append(boundary).Append("\r\nContent-Disposition: form-data; name=\"").Append(name.Replace("\"", "%22", StringComparison.Ordinal)).Append("\"\r\n\r\n").Append(value).Append("\r\n");
        form.Append("--").Append(boundary).Append("--\r\n");
        return (Encoding.UTF8.GetBytes(form.ToString()), boundary);
    }

    /// <summary>
    /// Its published answers: 200; 400 for parameters; 401 for the key; 402 and 403 for the account; 404 for the domain; 413 for the size; 429 for the rate; 500, 502, 503, 504.
    /// What is wrong with the account or the domain comes in words, as 400, 401 or 403.
    /// </summary>
    private HandOver? Read(HttpOutcome.Answered answered)
    {
        var said = HttpOutcome.OneLine(answered.Text("message") ?? answered.Words);
        var words = $"{DisplayName}: {answered.Status} {said}".TrimEnd();
        return answered.Status switch
        {
            200 => answered.Text("id") is { Length: > 0 } id ? new HandOver.Accepted(id) : null,
            // Sandbox domains, unverified domains, disabled accounts.
            400 or 401 or 403 when Has("not allowed to send") && Has("limit") => new HandOver.Deferred(words, answered.RetryAfter(http.Now), IsProviders: true),
            400 or 401 or 403 when Has("unverified") || Has("not verified") || Has("requires DNS") => new HandOver.SenderFault(words, FaultScope.Domain),
            400 or 401 or 403 when Has("not allowed to send") || Has("sandbox") || Has("disabled") || Has("suspended") => new HandOver.SenderFault(words, FaultScope.Connection),
            402 or 404 => new HandOver.SenderFault(words, FaultScope.Connection),
            401 => new HandOver.SenderFault($"{words} (the API key is refused: make a new one and put it in)", FaultScope.Connection),
            503 => new HandOver.Deferred(words, answered.RetryAfter(http.Now), IsProviders: true),
            _ => null,
        };

        bool Has(string text) => said.Contains(text, StringComparison.OrdinalIgnoreCase);
    }

    private static string? MessageId(OutgoingEmail email) => email.Headers.FirstOrDefault(header => header.Name == "Message-ID").Value?.Trim('<', '>');
}
