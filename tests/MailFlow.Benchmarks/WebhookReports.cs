using System.Security.Cryptography;
using System.Text;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Testing;

namespace MailFlow.Benchmarks;

/// <summary>
/// Reports verified, stored, deduplicated and done: deliveries, opens and clicks, 250 a call, one call in ten sent twice. Calls come in as fast as they are answered, by four callers,
/// while two readers work them off.
/// </summary>
internal static class WebhookReports
{
    private const int InACall = 250;

    public static async Task RunAsync(BenchHost host, Arguments arguments)
    {
        var mails = arguments.Contacts > 0 ? arguments.Contacts : 40_000;
        var connection = await host.Get<Connections>().PutAsync(1, "main", new ConnectionDraft(EcdsaProvider.TypeName, Settings: new Dictionary<string, string?> { ["key"] = EcdsaProvider.PublicKey }), default);
        await FillLedgerAsync(host, mails);
        var calls = Calls(host, mails);
        var (door, processor) = (host.Get<Webhooks>(), host.Get<FeedbackProcessor>());
        var reports = calls.Sum(call => (long)call.Reports);

        var next = -1;
        var taken = 0;
        var done = false;
        var cost = await Report.StartAsync(host);
        var readers = Enumerable.Range(0, arguments.Workers).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                var ended = Volatile.Read(ref done);
                if (await processor.RunOnceAsync(default) == 0)
                {
                    if (ended) return;
                    await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
                }
            }
        })).ToList();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var at = Interlocked.Increment(ref next); at < calls.Count; at = Interlocked.Increment(ref next))
                if (await door.TakeAsync(EcdsaProvider.TypeName, connection.Id, calls[at].Call, default) == WebhookAnswer.Taken) Interlocked.Increment(ref taken);
        })));
        var stored = cost.Watch.Elapsed;
        Volatile.Write(ref done, true);
        await Task.WhenAll(readers);
        var elapsed = cost.Watch.Elapsed;

        Report.Rate("reports verified, stored", reports, stored);
        Report.Rate("reports worked off", reports, elapsed);
        await cost.PrintAsync("report", reports);
        Report.Check("calls", calls.Count, taken);
        Report.Check("left", 0, await host.CountAsync("SELECT count(*) FROM webhook_call"));
        Report.Check("kept", mails * 3L, await host.CountAsync("SELECT count(*) FROM message_event"));
        Report.Check("repeated", reports - (mails * 3L), await host.CountAsync("SELECT sum(repeated) FROM webhook_day"));
        Report.Check("delivered", mails, await host.CountAsync("SELECT count(*) FROM message_feedback WHERE delivered_at IS NOT NULL AND opens = 1 AND clicks = 1"));

        // Those whose ten seconds were over meanwhile have been judged beside all that.
        var waiting = await host.CountAsync("SELECT count(*) FROM message_event WHERE settle_at IS NOT NULL");
        host.Time.Advance(TimeSpan.FromSeconds(15));
        var settle = await Report.StartAsync(host);
        while (await processor.RunOnceAsync(default) > 0) { }
        Report.Rate("opens and clicks judged", waiting, settle.Watch.Elapsed);
        if (waiting > 0) await settle.PrintAsync("open or click", waiting);
        Report.Check("human", mails, await host.CountAsync("SELECT count(*) FROM message_feedback WHERE human_opens = 1 AND human_clicks = 1"));
        Report.Check("events raised", mails * 3L, await host.CountAsync("SELECT count(*) FROM inbox"));
        await BounceAsync(host, connection.Id, mails / 2);
    }

    /// <summary>A bad list: half of the mails come back as hard bounces, and each address is suppressed.</summary>
    private static async Task BounceAsync(BenchHost host, Guid connection, int mails)
    {
        var (door, processor) = (host.Get<Webhooks>(), host.Get<FeedbackProcessor>());
        var at = host.Time.GetUtcNow();
        foreach (var chunk in Enumerable.Range(0, mails).Select(mail => new StubReport($"bounced-{mail}", FeedbackKind.Bounced, at, Id(mail), Bounce: BounceKind.Hard)).Chunk(InACall))
            await door.TakeAsync(EcdsaProvider.TypeName, connection, EcdsaProvider.Sign(ReportingProvider.Write(chunk), at), default);
        var cost = await Report.StartAsync(host);
        while (await processor.RunOnceAsync(default) > 0) { }
        Report.Rate("hard bounces worked off", mails, cost.Watch.Elapsed);
        await cost.PrintAsync("hard bounce", mails);
        Report.Check("suppressed", mails, await host.CountAsync("SELECT count(*) FROM suppression"));
    }

    private static async Task FillLedgerAsync(BenchHost host, int mails)
    {
        var now = host.Time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var chunk in Enumerable.Range(0, mails).Chunk(5_000))
            await host.Database.WriteAsync(async session =>
            {
                await session.ExecuteAsync("INSERT INTO contact (id, account_id, shard, user_id, email, created_at, updated_at) SELECT r.id, 1, r.shard, r.name, r.email, @now, @now FROM {rows}",
                    new Rows<int>(chunk).Long("id", i => i + 1).Int("shard", i => StableHash.Shard(1, $"user-{i}")).Text("name", i => $"user-{i}").Text("email", i => $"user{i}@example.org"), default, ("now", now));
                await session.ExecuteAsync("""
                    INSERT INTO message (id, contact_id, queued_at, updated_at, account_id, template_version, attempt, state, stream, user_id, template, to_address, provider, provider_id, snapshot)
                    SELECT r.id, r.contact, @before, @before, 1, 1, 1, 2, 0, r.name, 'welcome', r.email, 'main', r.name, '{}' FROM {rows}
                    """,
                    new Rows<int>(chunk).Uuid("id", Id).Long("contact", i => i + 1).Text("name", i => $"user-{i}").Text("email", i => $"user{i}@example.org"), default, ("before", now - 3_600_000));
            }, default);
    }

    private static Guid Id(int mail) => StableHash.TimedKey(1_700_000_000_000 + mail, StableHash.Key("bench", mail.ToString()));

    private static List<(WebhookCall Call, int Reports)> Calls(BenchHost host, int mails)
    {
        var start = host.Time.GetUtcNow().AddMinutes(-30);
        var kinds = new[] { FeedbackKind.Delivered, FeedbackKind.Opened, FeedbackKind.Clicked };
        var calls = kinds.SelectMany(kind => Enumerable.Range(0, mails).Select(mail => new StubReport(
                $"{kind}-{mail}-c2VuZGdyaWQgZXZlbnQ", kind, start.AddMinutes(5 * (int)kind / 2), Id(mail), Url: kind == FeedbackKind.Clicked ? "https://shop.example/sale?utm_source=mail" : null,
                Agent: kind == FeedbackKind.Delivered ? null : "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
                Ip: kind == FeedbackKind.Delivered ? null : "203.0.113.9")))
            .Chunk(InACall).Select(chunk => (EcdsaProvider.Sign(ReportingProvider.Write(chunk), host.Time.GetUtcNow()), chunk.Length)).ToList();
        return [.. calls.SelectMany((call, i) => i % 10 == 0 ? new[] { call, call } : [call])];
    }
}

/// <summary>Signs as SendGrid does: ECDSA over P-256 with SHA-256, of the timestamp's characters and then the body's bytes; the public key is the DER form in base64.</summary>
internal sealed class EcdsaProvider() : ReportingProvider(name: TypeName)
{
    public const string TypeName = "ecdsa";
    private const string Signature = "X-Twilio-Email-Event-Webhook-Signature", Timestamp = "X-Twilio-Email-Event-Webhook-Timestamp";

    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static string PublicKey { get; } = Convert.ToBase64String(Key.ExportSubjectPublicKeyInfo());

    public static WebhookCall Sign(byte[] body, DateTimeOffset at)
    {
        var timestamp = at.ToUnixTimeSeconds().ToString();
        var signature = Key.SignData([.. Encoding.UTF8.GetBytes(timestamp), .. body], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        return new WebhookCall(new Dictionary<string, string> { [Signature] = Convert.ToBase64String(signature), [Timestamp] = timestamp }, new Dictionary<string, string>(), body, at);
    }

    public override ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(settings["key"]), out _);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(call.Headers[Timestamp]));
        hash.AppendData(call.Body.Span);
        return ValueTask.FromResult<WebhookVerdict>(key.VerifyHash(hash.GetHashAndReset(), Convert.FromBase64String(call.Headers[Signature]), DSASignatureFormat.Rfc3279DerSequence)
            ? new WebhookVerdict.Verified() : new WebhookVerdict.Refused("the signature is wrong"));
    }
}
