using MailFlow.Delivery;

namespace MailFlow.Benchmarks;

/// <summary>Rendered mails a second to a provider that answers at once: hand-over, rendering and the answer, all of it in the ledger.</summary>
internal static class Mails
{
    public static async Task RunAsync(BenchHost host, Arguments arguments)
    {
        var contacts = arguments.Contacts > 0 ? arguments.Contacts : 50_000;
        await host.PublishAsync();
        await host.SignUpAsync(contacts);
        await host.DrainAsync(arguments.Workers);
        var sender = host.Get<MessageSender>();
        await sender.RunOnceAsync(default); // warm
        var before = host.Provider.Taken.Count;

        var cost = await Report.StartAsync(host);
        await Task.WhenAll(Enumerable.Range(0, arguments.Workers).Select(_ => Task.Run(async () =>
        {
            while (await sender.RunOnceAsync(default) > 0) { }
        })));
        var elapsed = cost.Watch.Elapsed;

        Report.Rate("mails", contacts - before, elapsed);
        await cost.PrintAsync("mail", contacts - before);
        Report.Check("mails taken by the provider", contacts, host.Provider.Taken.Count);
        Report.Check("keys taken twice", 0, host.Provider.Taken.Count - host.Provider.Taken.Select(mail => mail.Key).Distinct().Count());
        Report.Check("messages accepted", contacts, await host.CountAsync($"SELECT count(*) FROM message WHERE state = {(int)MessageState.Accepted}"));
    }
}
