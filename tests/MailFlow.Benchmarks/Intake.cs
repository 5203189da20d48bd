using MailFlow.Engine.Storage;

namespace MailFlow.Benchmarks;

/// <summary>Events accepted and deduplicated a second, durable when answered: four senders, a hundred events a call, one event in ten sent twice.</summary>
internal static class Intake
{
    public static async Task RunAsync(BenchHost host, Arguments arguments)
    {
        const int InACall = 100;
        var events = arguments.Contacts > 0 ? arguments.Contacts : 200_000;
        var intake = host.Get<EventIntake>();
        var calls = Enumerable.Range(0, events).Chunk(InACall).Select(chunk => chunk.Concat(chunk.Where(i => i % 10 == 0)).ToList()).ToList();
        await intake.AcceptAsync(1, [.. Enumerable.Range(events, 5_000).Select(host.SignUp)], default); // warm

        var next = -1;
        long accepted = 0, duplicates = 0;
        var cost = await Report.StartAsync(host);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var call = Interlocked.Increment(ref next); call < calls.Count; call = Interlocked.Increment(ref next))
            {
                var result = await intake.AcceptAsync(1, [.. calls[call].Select(host.SignUp)], default);
                Interlocked.Add(ref accepted, result.Accepted);
                Interlocked.Add(ref duplicates, result.Duplicates.Count);
            }
        })));
        var elapsed = cost.Watch.Elapsed;

        Report.Rate("events taken", accepted + duplicates, elapsed);
        Report.Rate("events accepted", accepted, elapsed);
        await cost.PrintAsync("event", accepted + duplicates);
        Report.Check("accepted", events, accepted);
        Report.Check("duplicates", events / 10, duplicates);
        Report.Check("inbox", events + 5_000L, await host.CountAsync("SELECT count(*) FROM inbox"));
    }
}
