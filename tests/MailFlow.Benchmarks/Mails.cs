using MailFlow.Delivery;

namespace MailFlow.Benchmarks;

/// <summary>
/// Rendered mails a second, hand-over, rendering and the answer, all of it in the ledger: to a provider in this process that answers at once or, with <c>--provider sendgrid</c>, by
/// MailFlow's SendGrid sender over HTTP to a stub, which shares the processors.
/// </summary>
internal static class Mails
{
    public static async Task RunAsync(BenchHost host, Arguments arguments)
    {
        var contacts = arguments.Contacts > 0 ? arguments.Contacts : 50_000;
        if (host.SendGrid is not null) await host.Get<Connections>().PutAsync(1, "main", new ConnectionDraft("sendgrid", Settings: new Dictionary<string, string?> { ["api_key"] = "SG.bench" }), default);
        await host.PublishAsync();
        await host.SignUpAsync(contacts);
        await host.DrainAsync(arguments.Workers);
        var sender = host.Get<MessageSender>();
        await sender.RunOnceAsync(default); // warm
        var before = Taken().Count;

        var cost = await Report.StartAsync(host);
        await Task.WhenAll(Enumerable.Range(0, arguments.Workers).Select(_ => Task.Run(async () =>
        {
            while (await sender.RunOnceAsync(default) > 0) { }
        })));
        var elapsed = cost.Watch.Elapsed;

        Report.Rate("mails", contacts - before, elapsed);
        await cost.PrintAsync("mail", contacts - before);
        if (host.SendGrid is { } stub) Report.Line("requests over HTTP", $"{stub.Requests:N0}");
        Report.Check("mails taken by the provider", contacts, Taken().Count);
        Report.Check("keys taken twice", 0, Taken().Count - Taken().Distinct().Count());
        Report.Check("messages accepted", contacts, await host.CountAsync($"SELECT count(*) FROM message WHERE state = {(int)MessageState.Accepted}"));

        IReadOnlyCollection<string> Taken() => host.SendGrid is { } stub ? stub.Taken : [.. host.Provider.Taken.Select(mail => mail.Key.ToString())];
    }
}
