using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using MailFlow.Testing;

namespace MailFlow.Chaos.Tests;

/// <summary>Two real servers on one PostgreSQL, one of which is frozen, killed or stopped in the middle of its work.</summary>
public sealed class NodeFaultTests
{
    private const int Contacts = 3_000;

    [Fact]
    public async Task What_a_frozen_server_had_in_hand_another_does_and_when_it_thaws_it_commits_nothing_stale()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var cluster = new Cluster(test.ConnectionString!);
        var frozen = await cluster.StartAsync("frozen");
        var other = await cluster.StartAsync("other");
        await ThreeMails.PublishAsync(other);
        await ThreeMails.SignUpAsync(other, Enumerable.Range(0, Contacts));

        await FreezeInTheMiddleAsync(cluster, frozen, "frozen");
        await ThreeMails.UntilAllAreDoneAsync(other, Contacts);
        await ThreeMails.UntilAsync(other, Contacts * ThreeMails.MailsEach);
        await UntilNoneIsUnderWayAsync(cluster);
        var before = await StateAsync(cluster);

        frozen.Thaw();
        await UntilReadyAsync(frozen);
        // It has come to itself when it works again: contacts of every shard, by its own hand too.
        await ThreeMails.SignUpAsync(frozen, Enumerable.Range(Contacts, 500));
        await ThreeMails.UntilAllAreDoneAsync(frozen, Contacts + 500);
        await ThreeMails.UntilAsync(other, (Contacts + 500) * ThreeMails.MailsEach);

        Assert.Equal(before, await StateAsync(cluster));
        await ThreeMails.EachHasEachMailOnceAsync(other, Contacts + 500);
    }

    [Fact]
    public async Task The_shards_of_a_killed_server_are_free_at_once_and_another_does_its_work()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var cluster = new Cluster(test.ConnectionString!);
        var killed = await cluster.StartAsync("killed");
        var other = await cluster.StartAsync("other");
        await ThreeMails.PublishAsync(other);
        await ThreeMails.SignUpAsync(other, Enumerable.Range(0, Contacts));

        await FreezeInTheMiddleAsync(cluster, killed, "killed"); // so that it is known to hold shards when it dies
        killed.Kill();

        // PostgreSQL ends a backend as soon as the kernel has closed its connection: no lease, no time-out.
        var patience = Stopwatch.StartNew();
        while (await cluster.ShardsHeldByAsync("killed") > 0) Assert.True(patience.Elapsed < TimeSpan.FromSeconds(5), "the shards of a killed server are held");
        await ThreeMails.UntilAllAreDoneAsync(other, Contacts);
        await ThreeMails.UntilAsync(other, Contacts * ThreeMails.MailsEach);
        await ThreeMails.EachHasEachMailOnceAsync(other, Contacts);
    }

    [Fact]
    public async Task A_server_told_to_stop_is_gone_within_ten_seconds_and_leaves_nothing_half_done()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var cluster = new Cluster(test.ConnectionString!);
        var stopped = await cluster.StartAsync("stopped");
        var other = await cluster.StartAsync("other");
        await ThreeMails.PublishAsync(other);
        await ThreeMails.SignUpAsync(other, Enumerable.Range(0, Contacts));

        // Clients go on talking to it: each request is answered, or not taken at all.
        using var gone = new CancellationTokenSource();
        var talk = Enumerable.Range(0, 4).Select(client => TalkAsync(stopped, Contacts + (client * 100_000), gone.Token)).ToList();
        var patience = Stopwatch.StartNew();
        while (await cluster.ShardsHeldByAsync("stopped") == 0) Assert.True(patience.Elapsed < TimeSpan.FromMinutes(1), "it works no shard");
        var watch = Stopwatch.StartNew();
        var exitCode = await stopped.StopAsync();
        var took = watch.Elapsed;
        await gone.CancelAsync();
        var accepted = (await Task.WhenAll(talk)).Sum();

        Assert.Equal(0, exitCode);
        Assert.True(took < TimeSpan.FromSeconds(10), $"it took {took}");
        Assert.True(accepted > 0, "nobody talked to it");
        Assert.Equal(0, await cluster.AskAsync<long>(
            "SELECT count(*) FROM message m JOIN node_epoch e ON e.epoch = m.node_epoch WHERE m.state = 1 AND e.ended_at IS NOT NULL"));
        Assert.Equal("up,stopped", await cluster.AskAsync<string>(
            "SELECT string_agg(CASE WHEN stopped_at IS NULL THEN 'up' ELSE 'stopped' END, ',' ORDER BY stopped_at IS NOT NULL) FROM node"));
        await ThreeMails.UntilAllAreDoneAsync(other, Contacts + accepted);
        await ThreeMails.UntilAsync(other, (Contacts + accepted) * ThreeMails.MailsEach);
        await ThreeMails.EachHasEachMailOnceAsync(other, Contacts + accepted);
    }

    [Fact]
    public async Task A_relay_that_says_nothing_does_not_hold_up_a_stop()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var cluster = new Cluster(test.ConnectionString!);
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var server = await cluster.StartAsync("only",
            ("MailFlow__Delivery__Provider", "smtp"), ("MailFlow__Delivery__Smtp__Host", "127.0.0.1"), ("MailFlow__Delivery__Smtp__Port", $"{((IPEndPoint)silent.LocalEndpoint).Port}"),
            ("MailFlow__Delivery__Smtp__Tls", "None"), ("MailFlow__Delivery__Sender__Name", "Acme"), ("MailFlow__Delivery__Sender__Email", "news@example.org"));
        await ThreeMails.PublishAsync(server);
        await ThreeMails.SignUpAsync(server, [1]);
        using var called = await silent.AcceptSocketAsync().WaitAsync(TimeSpan.FromMinutes(1));

        var watch = Stopwatch.StartNew();
        Assert.Equal(0, await server.StopAsync());
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"it took {watch.Elapsed}");
    }

    [Fact]
    public async Task Two_servers_that_start_at_once_on_an_empty_database_both_come_up()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var cluster = new Cluster(test.ConnectionString!);

        var both = await Task.WhenAll(cluster.StartAsync("one", ("MailFlow__Samples", "true")), cluster.StartAsync("two", ("MailFlow__Samples", "true")));

        foreach (var server in both)
        {
            Assert.Single(await server.ListAsync("/api/v1/api-keys"));
            Assert.Equal(7, (await server.ListAsync("/api/v1/journeys")).Count);
        }
        Assert.Equal(2, await cluster.AskAsync<long>("SELECT count(*) FROM node WHERE stopped_at IS NULL"));
    }

    // The sender looks by itself only once a minute: what comes sooner came by a hint.
    [Fact]
    public async Task An_event_that_one_server_takes_in_is_worked_by_another_and_its_mail_sent_by_a_third_whose_polls_are_far_away()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var cluster = new Cluster(test.ConnectionString!);
        var api = await cluster.StartAsync("api", ("MailFlow__Roles", "api"));
        await cluster.StartAsync("worker", ("MailFlow__Roles", "worker"));
        await cluster.StartAsync("sender", ("MailFlow__Roles", "sender"), ("MailFlow__Delivery__PollInterval", "00:01:00"), ("MailFlow__Delivery__Lease", "00:01:00"));
        await ThreeMails.PublishAsync(api);

        await ThreeMails.SignUpAsync(api, Enumerable.Range(0, 20));

        await ThreeMails.UntilAsync(api, 20 * ThreeMails.MailsEach, seconds: 45);
        await ThreeMails.UntilAllAreDoneAsync(api, 20);
        await ThreeMails.EachHasEachMailOnceAsync(api, 20);
    }

    /// <summary>Freezes it when it holds a shard in a transaction that has begun.</summary>
    private static async Task FreezeInTheMiddleAsync(Cluster cluster, ServerProcess server, string name)
    {
        for (var attempt = 0; ; attempt++)
        {
            Assert.True(attempt < 2_000, "it was never caught in the middle");
            server.Freeze();
            if (await cluster.ShardsHeldByAsync(name) > 0 && await IsIdleInTransactionAsync(cluster, name)) return;
            server.Thaw();
        }
    }

    /// <summary>What PostgreSQL had begun for it has ended: the next step is its own.</summary>
    private static async Task<bool> IsIdleInTransactionAsync(Cluster cluster, string name)
    {
        for (var look = 0; look < 20; look++)
            if (await cluster.AskAsync<long>($"""
                SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
                WHERE a.application_name = '{cluster.Schema} {name}' AND a.state = 'idle in transaction' AND l.locktype = 'advisory' AND l.objid::bigint < 64
                """) > 0) return true;
        return false;
    }

    private static async Task UntilNoneIsUnderWayAsync(Cluster cluster)
    {
        for (var patience = 0; await cluster.AskAsync<long>("SELECT count(*) FROM message WHERE state IN (0, 1, 4, 5)") > 0; patience++)
        {
            Assert.True(patience < 480, "messages are still under way");
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
    }

    private static async Task UntilReadyAsync(ServerProcess server)
    {
        for (var patience = 0; !(await server.Client.GetAsync("/health/ready")).IsSuccessStatusCode; patience++)
        {
            Assert.True(patience < 480, "it did not come back");
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
    }

    /// <summary>All that is known of the first contacts, in one hash: instances with their versions, history, ledger, and what was captured.</summary>
    private static Task<string> StateAsync(Cluster cluster) => cluster.AskAsync<string>($"""
        WITH first AS (SELECT id FROM contact WHERE substr(user_id, 3)::int < {Contacts})
        SELECT concat_ws(' ',
          (SELECT md5(string_agg(concat_ws(',', id, ver, status, updated_at), ';' ORDER BY id)) FROM instance WHERE contact_id IN (SELECT id FROM first)),
          (SELECT md5(string_agg(concat_ws(',', seq, instance_id, steps), ';' ORDER BY seq)) FROM history WHERE contact_id IN (SELECT id FROM first)),
          (SELECT md5(string_agg(concat_ws(',', id, state, attempt, updated_at), ';' ORDER BY id)) FROM message WHERE contact_id IN (SELECT id FROM first)),
          (SELECT md5(string_agg(concat_ws(',', s.id, s.at), ';' ORDER BY s.id)) FROM sandbox_email s JOIN message m ON m.id = s.id WHERE m.contact_id IN (SELECT id FROM first)))
        """);

    /// <summary>Posts event after event, each on a connection of its own, until the server takes no more; gives how many were accepted. An answer that breaks off fails the test.</summary>
    private static async Task<int> TalkAsync(ServerProcess server, int first, CancellationToken gone)
    {
        var accepted = 0;
        while (!gone.IsCancellationRequested)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/events") { Content = JsonContent.Create(ThreeMails.Events([first + accepted])) };
            request.Headers.ConnectionClose = true;
            try
            {
                using var answer = await server.Client.SendAsync(request, CancellationToken.None);
                if (answer.StatusCode == HttpStatusCode.ServiceUnavailable) continue; // it says that it is stopping
                Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync(CancellationToken.None));
                accepted += (await answer.Content.ReadFromJsonAsync<JsonNode>(CancellationToken.None))!["accepted"]!.GetValue<int>();
            }
            catch (HttpRequestException refused) when (refused.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
            {
                return accepted;
            }
        }
        return accepted;
    }
}
