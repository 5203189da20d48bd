using System.Net;
using MailFlow.Server.Hosting;
using MailFlow.Testing;
using Microsoft.Extensions.Hosting;

namespace MailFlow.Server.Tests;

/// <summary>The first start runs everything once with nothing to do.</summary>
public sealed class WarmUpTests
{
    /// <summary>What an event's way writes.</summary>
    private static readonly string[] Untouched =
    [
        "audit", "consent", "contact", "dead_letter", "entry", "event", "event_key", "history", "inbox", "instance", "job", "journey_count", "message", "message_attempt",
        "sandbox_email", "suppression",
    ];

    /// <summary>Seen red with the warm-up after the start, and with an event taken by it.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_server_is_ready_only_after_the_warm_up_which_leaves_nothing_behind(DatabaseKind kind)
    {
        var during = new Witness();
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true, workers: false, configure: services => services.AddSingleton<IHostedService>(provider => during.Of(provider)));

        Assert.Equal(("starting", true), (during.Obstacle, during.IsWarm));
        Assert.Equal(HttpStatusCode.OK, (await server.ClientWith(key: null).GetAsync("/health/ready")).StatusCode);
        var before = await CountAsync(server);
        Assert.All(Untouched, table => Assert.Equal(0, before[table]));

        await server.Services.GetRequiredService<WarmUp>().RunAsync(FirstStart.AccountId, default);
        Assert.Equal(before, await CountAsync(server));
    }

    private static Task<SortedDictionary<string, long>> CountAsync(ServerUnderTest server) => server.Database.ReadAsync(async session =>
    {
        var tables = await session.QueryAsync(
            session.Dialect.IsPostgreSql
                ? "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
                : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            row => row.Text(0), default);
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in tables) counts[table] = await session.ScalarAsync<long>($"SELECT count(*) FROM {table}", default);
        return counts;
    }, default);

    /// <summary>Looks on while the host starts what it hosts: after the preparation, before anything is served.</summary>
    private sealed class Witness
    {
        public string? Obstacle { get; private set; }

        public bool IsWarm { get; private set; }

        public IHostedService Of(IServiceProvider services) => new Look(this, services);

        private sealed class Look(Witness witness, IServiceProvider services) : IHostedService
        {
            public async Task StartAsync(CancellationToken cancellationToken)
            {
                witness.Obstacle = await services.GetRequiredService<Readiness>().ObstacleAsync(cancellationToken);
                witness.IsWarm = await services.GetRequiredService<Data.Database>().ReadAsync(
                    session => session.ScalarAsync<long>("SELECT count(*) FROM node_epoch", cancellationToken), cancellationToken) == 1;
            }

            public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        }
    }
}
