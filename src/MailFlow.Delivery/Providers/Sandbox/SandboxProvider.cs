using MailFlow.Data;

namespace MailFlow.Delivery.Providers.Sandbox;

/// <summary>Sends nothing: captures each mail in the database, once a send key. What every other provider refuses, it refuses too.</summary>
internal sealed class SandboxProvider(Database database) : IBulkEmailProvider
{
    public string Name => "sandbox";

    public ReplayPolicy Replay => ReplayPolicy.Idempotent;

    public int Concurrency => 4;

    public int MaxBatch => 500;

    public TimeSpan RequestTimeout => TimeSpan.FromSeconds(30);

    public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct) => (await SendManyAsync([email], ct))[0];

    public async Task<IReadOnlyList<HandOver>> SendManyAsync(IReadOnlyList<OutgoingEmail> emails, CancellationToken ct)
    {
        var refused = emails.Select(MailText.WhyNot).ToList();
        var good = emails.Where((_, i) => refused[i] is null).OrderBy(email => email.MessageId).ToList();
        if (good.Count == 0) return refused!;
        await database.WriteAsync(session => session.ExecuteAsync("""
            INSERT INTO sandbox_email (id, at, account_id, from_mailbox, to_address, subject, html, text, headers, template, user_id, journey)
            SELECT r.id, r.at, r.account_id, r.from_mailbox, r.to_address, r.subject, r.html, r.text, r.headers, r.template, r.user_id, r.journey
            FROM {rows} WHERE true
            ON CONFLICT (id) DO NOTHING
            """,
            new Rows<OutgoingEmail>(good)
                .Uuid("id", e => e.MessageId).Long("at", e => e.At.ToUnixTimeMilliseconds()).Int("account_id", e => e.AccountId).Text("from_mailbox", e => e.From.ToString())
                .Text("to_address", e => e.To.ToString()).Text("subject", e => e.Subject).Text("html", e => e.Html).Text("text", e => e.Text)
                .Text("headers", HeadersJson).Text("template", e => e.Template).Text("user_id", e => e.UserId).Text("journey", e => e.Journey),
            ct), ct);
        return [.. emails.Select(HandOver (email, i) => refused[i] ?? (HandOver)new HandOver.Accepted(email.MessageId.ToString()))];
    }

    private static string HeadersJson(OutgoingEmail email)
    {
        var headers = new Dictionary<string, object?> { ["From"] = email.From.ToString(), ["To"] = email.To.ToString(), ["Subject"] = email.Subject };
        if (email.ReplyTo is { } replyTo) headers["Reply-To"] = replyTo.ToString();
        foreach (var (name, value) in email.Headers) headers[name] = value;
        return JsonData.Write(headers);
    }
}
