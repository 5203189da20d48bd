using System.Text.Json;
using MailFlow.Delivery.Providers.Http;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Providers.Postmark;

/// <summary>
/// Sends by <c>POST /email/batch</c>, or <c>/email</c> for one. It takes no idempotency key, but keeps each mail's metadata for 45 days and can be asked for it, so it is searchable.
/// What it shows lags behind what it takes: see <see cref="PatientSearch"/>.
/// </summary>
internal sealed class PostmarkSender(ProviderHttp http, TimeProvider time, Uri address, string token, string transactional, string marketing, string tracking) : IBulkEmailProvider
{
    private const string DisplayName = "Postmark", HeaderName = "Name";
    private const int LargestBatch = 45 << 20;

    private static readonly TimeSpan SearchLag = TimeSpan.FromMinutes(10);
    private static readonly HandOver NotAsked = new HandOver.Unknown($"{DisplayName} could not be asked");

    private readonly PatientSearch _search = new(time, SearchLag);
    private readonly (string, string)[] _headers = [("X-Postmark-Server-Token", token), ("Accept", "application/json")];

    public string Name => PostmarkType.Key;

    public bool TracksEngagement => tracking != "off";

    public ReplayPolicy Replay => ReplayPolicy.Searchable;

    public int Concurrency => 8;

    public int MaxBatch => 500;

    public TimeSpan RequestTimeout => TimeSpan.FromSeconds(60);

    public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct)
    {
        if (MailText.WhyNot(email) is { } reason) return reason;
        var outcome = await http.PostAsync(new Uri(address, "email"), Write(json => Write(json, email)), "application/json", _headers, ct);
        return outcome.HandOver(DisplayName, http.Now, answered => answered.Status == 200 ? (answered.Json is { } json ? One(json) : null) : Refused(answered));
    }

    public async Task<IReadOnlyList<HandOver>> SendManyAsync(IReadOnlyList<OutgoingEmail> emails, CancellationToken ct)
    {
        var answers = emails.Select(HandOver? (email) => MailText.WhyNot(email)).ToArray();
        var part = new List<int>();
        var size = 0L;
        for (var i = 0; i < emails.Count; i++)
        {
            if (answers[i] is not null) continue;
            // A batch may have 50 MB. JSON writes a character as six octets at worst, which is far from what mail looks like; three is what another script takes.
            var octets = 3L * (emails[i].Html.Length + emails[i].Text.Length) + 4000;
            if (part.Count == MaxBatch || (part.Count > 0 && size + octets > LargestBatch)) await CallAsync();
            part.Add(i);
            size += octets;
        }
        if (part.Count > 0) await CallAsync();
        return answers!;

        async Task CallAsync()
        {
            var sent = ct.IsCancellationRequested
                ? part.Select(HandOver (_) => new HandOver.Deferred($"{DisplayName}: stopped before the hand-over"))
                : await SendBatchAsync([.. part.Select(i => emails[i])], ct);
            foreach (var (index, answer) in part.Zip(sent)) answers[index] = answer;
            part.Clear();
            size = 0;
        }
    }

    public async Task<HandOver> FindAsync(OutgoingEmail email, CancellationToken ct)
    {
        var own = StreamOf(email);
        if (await FindAsync(email, own, ct) is { } answer) return answer;
        var absent = _search.NotFound(email, DisplayName);
        if (absent is not HandOver.Deferred) return absent;
        // It may have left by the stream that was set before, and a search that names none looks into "outbound" alone.
        if (await http.GetAsync(new Uri(address, "message-streams?MessageStreamType=All"), _headers, ct) is not HttpOutcome.Answered { Status: 200, Json: { } json } || json.Find("MessageStreams") is null)
            return NotAsked;
        foreach (var stream in json.Items("MessageStreams").Where(stream => stream.Text("MessageStreamType") != "Inbound").Select(stream => stream.Need("ID")))
            if (stream != own && await FindAsync(email, stream, ct) is { } found) return found;
        return absent;
    }

    /// <summary>What a search of one stream says; null when it is not there.</summary>
    private async Task<HandOver?> FindAsync(OutgoingEmail email, string stream, CancellationToken ct)
    {
        var query = $"messages/outbound?count=1&offset=0&metadata_{MailText.KeyName}={email.MessageId}&messagestream={Uri.EscapeDataString(stream)}";
        var outcome = await http.GetAsync(new Uri(address, query), _headers, ct);
        if (outcome is not HttpOutcome.Answered { Status: 200, Json: { } json } || json.Find("Messages") is null) return NotAsked;
        return json.Items("Messages").FirstOrDefault() is { ValueKind: JsonValueKind.Object } found ? _search.Found(email, found.Text("MessageID")) : null;
    }

    private async Task<IReadOnlyList<HandOver>> SendBatchAsync(List<OutgoingEmail> emails, CancellationToken ct)
    {
        var body = Write(json =>
        {
            json.WriteStartArray();
            foreach (var email in emails) Write(json, email);
            json.WriteEndArray();
        });
        var outcome = await http.PostAsync(new Uri(address, "email/batch"), body, "application/json", _headers, ct);
        // One answer for each mail, in order: anything else leaves open which was taken.
        if (outcome is HttpOutcome.Answered { Status: 200, Json: { ValueKind: JsonValueKind.Array } json } && json.GetArrayLength() == emails.Count)
            return [.. json.EnumerateArray().Select(one => One(one) ?? new HandOver.Unknown($"{DisplayName}: an answer without an error code"))];
        var all = outcome.HandOver(DisplayName, http.Now, answered => answered.Status == 200 ? null : Refused(answered));
        // A batch that is refused as a whole (size, form) says nothing of each mail.
        if (all is not HandOver.Rejected || emails.Count == 1) return [.. emails.Select(_ => all)];
        var half = emails.Count / 2;
        return [.. await SendBatchAsync(emails[..half], ct), .. await SendBatchAsync(emails[half..], ct)];
    }

    private string StreamOf(OutgoingEmail email) => email.Stream == MessageStream.Marketing ? marketing : transactional;

    private void Write(Utf8JsonWriter json, OutgoingEmail email)
    {
        json.WriteStartObject();
        json.WriteString("From", MailText.Mailbox(email.From));
        json.WriteString("To", email.To.ToString());
        if (email.ReplyTo is { } replyTo) json.WriteString("ReplyTo", MailText.Mailbox(replyTo));
        json.WriteString("Subject", email.Subject);
        json.WriteString("HtmlBody", email.Html);
        json.WriteString("TextBody", email.Text);
        json.WriteString("MessageStream", StreamOf(email));
        if (MailText.Tags(email, 1000).FirstOrDefault() is { } tag) json.WriteString("Tag", tag);
        json.WriteBoolean("TrackOpens", email.MayTrack && tracking is ("opens" or "all"));
        json.WriteString("TrackLinks", email.MayTrack && tracking is ("clicks" or "all") ? "HtmlAndText" : "None");
        json.WriteStartObject("Metadata");
        json.WriteString(MailText.KeyName, email.MessageId);
        json.WriteEndObject();
        json.WriteStartArray("Headers");
        foreach (var (name, value) in email.Headers)
        {
            json.WriteStartObject();
            json.WriteString(HeaderName, name);
            json.WriteString("Value", value);
            json.WriteEndObject();
        }
        // Without it Postmark puts a Message-ID of its own in place of ours.
        if (email.Headers.Any(header => header.Name == "Message-ID"))
        {
            json.WriteStartObject();
            json.WriteString(HeaderName, "X-PM-KeepID");
            json.WriteString("Value", "true");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var target = new MemoryStream();
        using (var json = new Utf8JsonWriter(target)) write(json);
        return target.ToArray();
    }

    private HandOver? Refused(HttpOutcome.Answered answered) => answered.Status switch
    {
        // 401 is the token; 422 has the code of an error; 503 is planned maintenance; what was sent with a 500 is "in most cases" lost, so nobody knows.
        401 or 422 => answered.Json is { } json ? One(json) : null,
        413 => new HandOver.Rejected($"{DisplayName}: 413 {answered.Words}"),
        503 => new HandOver.Deferred($"{DisplayName}: 503 {answered.Words}".TrimEnd(), answered.RetryAfter(http.Now), IsProviders: true),
        _ => null,
    };

    /// <summary>The answer about one mail, by Postmark's table of error codes.</summary>
    private static HandOver? One(JsonElement json)
    {
        if (json.Text("ErrorCode") is not { } code) return null;
        var words = HttpOutcome.OneLine($"{DisplayName}: {code} {json.Text("Message")}");
        return code switch
        {
            "0" => new HandOver.Accepted(json.Text("MessageID")),
            // Maintenance; too many requests.
            "100" or "429" => new HandOver.Deferred(words, IsProviders: true),
            // The token.
            "10" => new HandOver.SenderFault($"{words} (put in a valid server token)", FaultScope.Connection),
            // No sender signature for the From address, or one that is not confirmed.
            "400" or "401" => new HandOver.SenderFault(words, FaultScope.Domain),
            // Not allowed to send (credits, limits), account pending, account may not send.
            "405" or "412" or "413" => new HandOver.SenderFault(words, FaultScope.Connection),
            // The message stream is not there, is archived, or does not fit the kind of mail (1221 to 1239).
            { Length: 4 } when code.StartsWith("122", StringComparison.Ordinal) || code.StartsWith("123", StringComparison.Ordinal) => new HandOver.SenderFault(words, FaultScope.Connection),
            // An inactive recipient: on the list of bounces, complaints and unsubscriptions of this stream, and which of them it does not say.
            "406" => new HandOver.Rejected(words, Listed: ListedFor.Unsaid),
            // 300 invalid request, 402 and 403 invalid JSON or field, 409, 410, 411: about this mail.
            _ => new HandOver.Rejected(words),
        };
    }
}
