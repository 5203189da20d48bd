using MailFlow.Testing;

namespace MailFlow.Chaos.Tests;

/// <summary>PostgreSQL goes away in the middle of the work, without a word, and comes back; the servers are left alone.</summary>
public sealed class DatabaseRestartTests
{
    private const int Contacts = 4_000;

    [Fact]
    public async Task After_an_immediate_stop_of_PostgreSQL_the_work_goes_on_by_itself_and_nothing_is_lost_or_doubled()
    {
        using var postgres = OwnPostgres.Start(durable: false);
        await using var cluster = new Cluster(postgres.ConnectionString + ";Search Path=mailflow");
        var one = await cluster.StartAsync("one");
        var two = await cluster.StartAsync("two");
        await ThreeMails.PublishAsync(one);
        await ThreeMails.SignUpAsync(one, Enumerable.Range(0, Contacts));

        foreach (var server in new[] { one, two }) Assert.Contains("\nmailflow_database_up{otel_scope_name=\"MailFlow.Server\"} 1\n", await server.Client.GetStringAsync("/metrics"));
        foreach (var mails in new[] { 300, Contacts + 300 })
        {
            await ThreeMails.UntilAsync(one, mails);
            postgres.StopImmediately();
            // Each server notices, and says so to whoever asks.
            foreach (var server in new[] { one, two })
            {
                Assert.False((await server.Client.GetAsync("/health/ready")).IsSuccessStatusCode);
                await UntilItSaysAsync(server, "mailflow_database_up{otel_scope_name=\"MailFlow.Server\"} 0");
            }
            postgres.Start();
        }

        await ThreeMails.SignUpAsync(two, Enumerable.Range(0, Contacts));
        await ThreeMails.UntilAsync(one, Contacts * ThreeMails.MailsEach);
        await ThreeMails.UntilAllAreDoneAsync(two, Contacts);
        await ThreeMails.EachHasEachMailOnceAsync(two, Contacts);
    }

    /// <summary>The metrics are given while the database is away, to whom they were given before; longer than a key is remembered.</summary>
    private static async Task UntilItSaysAsync(ServerProcess server, string line)
    {
        for (var patience = 0; ; patience++)
        {
            var metrics = await server.Client.GetStringAsync("/metrics");
            if (metrics.Contains($"\n{line}\n", StringComparison.Ordinal)) return;
            Assert.True(patience < 240, metrics);
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
    }
}
