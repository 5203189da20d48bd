namespace MailFlow.Benchmarks;

/// <summary>
/// Transitions a second: contacts enter the journey, are decided upon, get a mail queued and wait; six hours on they are decided upon
/// again and get another. A transition is one activity executed with its durable state and history.
/// Gives the contacts a second that entered and resumed.
/// </summary>
internal static class Transitions
{
    public static async Task<double> RunAsync(BenchHost host, Arguments arguments)
    {
        var contacts = arguments.Contacts > 0 ? arguments.Contacts : 50_000;
        await host.PublishAsync();
        await host.SignUpAsync(contacts);

        var cost = await Report.StartAsync(host);
        var first = await host.DrainAsync(arguments.Workers);
        var entered = cost.Watch.Elapsed;
        Report.Rate("transitions, entering", first, entered);
        Report.Rate("instances entered", contacts, entered);
        await cost.PrintAsync("transition", first);

        host.Time.Advance(TimeSpan.FromHours(6));
        cost = await Report.StartAsync(host);
        var second = await host.DrainAsync(arguments.Workers);
        var resumed = cost.Watch.Elapsed;
        Report.Rate("transitions, resuming", second, resumed);
        Report.Rate("instances resumed", contacts, resumed);
        await cost.PrintAsync("transition", second);
        Report.Rate("transitions, together", first + second, entered + resumed);

        Report.Check("messages", 2L * contacts, await host.CountAsync("SELECT count(*) FROM message"));
        Report.Check("instances completed", contacts, await host.CountAsync("SELECT count(*) FROM instance WHERE status = 1"));
        Report.Check("inbox empty", 0, await host.CountAsync("SELECT count(*) FROM inbox"));
        return contacts / (entered + resumed).TotalSeconds;
    }
}
