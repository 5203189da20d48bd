using MailFlow.Data;
using MailFlow.Delivery;

namespace MailFlow.Benchmarks;

/// <summary>
/// Reports as SendGrid makes and signs them, verified, stored, deduplicated and done: deliveries, opens and clicks, 250 a call (or <c>--per-call</c>), one call in ten sent twice. Calls
/// come in as fast as they are answered, by four callers (by 64 where a call is one report), while two readers work them off.
/// </summary>
internal static class WebhookReports
{
    private const string Type = "sendgrid";

    public static async Task RunAsync(BenchHost host, Arguments arguments)
    {
        var mails = arguments.Contacts > 0 ? arguments.Contacts : 40_000;
        var connection = await host.Get<Connections>().PutAsync(1, "main", new ConnectionDraft(Type, Settings: new Dictionary<string, string?> { ["api_key"] = "SG.bench", ["webhook_public_key"] = SendGridEvents.PublicKey }), default);
        await FillLedgerAsync(host, mails);
        var calls = Calls(host, mails, arguments.PerCall);
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
        await Task.WhenAll(Enumerable.Range(0, arguments.PerCall == 1 ? 64 : 4).Select(_ => Task.Run(async () =>
        {
            for (var at = Interlocked.Increment(ref next); at < calls.Count; at = Interlocked.Increment(ref next))
                if (await door.TakeAsync(Type, connection.Id, calls[at].Call, default) == WebhookAnswer.Taken) Interlocked.Increment(ref taken);
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
        await BounceAsync(host, connection.Id, mails / 2, arguments.PerCall);
    }

    /// <summary>A bad list: half of the mails come back as hard bounces, and each address is suppressed.</summary>
    private static async Task BounceAsync(BenchHost host, Guid connection, int mails, int perCall)
    {
        var (door, processor) = (host.Get<Webhooks>(), host.Get<FeedbackProcessor>());
        var at = host.Time.GetUtcNow();
        foreach (var chunk in Enumerable.Range(0, mails).Select(mail => SendGridEvents.Of("bounce", $"bounced-{mail}", at, Id(mail), mail)).Chunk(perCall))
            await door.TakeAsync(Type, connection, SendGridEvents.Sign(chunk, at), default);
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

    private static List<(WebhookCall Call, int Reports)> Calls(BenchHost host, int mails, int perCall)
    {
        var start = host.Time.GetUtcNow().AddMinutes(-30);
        var kinds = new[] { "delivered", "open", "click" };
        var calls = kinds.SelectMany((kind, i) => Enumerable.Range(0, mails).Select(mail => SendGridEvents.Of(kind, $"{kind}-{mail}-c2VuZGdyaWQgZXZlbnQ", start.AddMinutes(5 * i), Id(mail), mail)))
            .Chunk(perCall).Select(chunk => (SendGridEvents.Sign(chunk, host.Time.GetUtcNow()), chunk.Length)).ToList();
        return [.. calls.SelectMany((call, i) => i % 10 == 0 ? new[] { call, call } : [call])];
    }
}
