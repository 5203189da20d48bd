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

        foreach (var mails in new[] { 300, Contacts + 300 })
        {
            await ThreeMails.UntilAsync(one, mails);
            postgres.StopImmediately();
            // Each server notices, and says so to whoever asks.
            foreach (var server in new[] { one, two }) Assert.False((await server.Client.GetAsync("/health/ready")).IsSuccessStatusCode);
            postgres.Start();
        }

        await ThreeMails.SignUpAsync(two, Enumerable.Range(0, Contacts));
        await ThreeMails.UntilAsync(one, Contacts * ThreeMails.MailsEach);
        await ThreeMails.UntilAllAreDoneAsync(two, Contacts);
        await ThreeMails.EachHasEachMailOnceAsync(two, Contacts);
    }
}
