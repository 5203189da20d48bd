using System.Net;
using MailFlow.Server.Hosting;
using MailFlow.Testing;
using Microsoft.Extensions.Hosting;

namespace MailFlow.Server.Tests;

/// <summary>The first start runs everything once with nothing to do.</summary>
public sealed class WarmUpTests
{
    /// <summary>What a fresh server keeps: its account, key and administrator, the samples, the engine's epoch, and the sender's sign-on, which the warm-up makes.</summary>
    private static readonly string[] Kept =
    [
        "account", "api_key", "console_user", "definition_version", "engine_epoch", "journey", "node_epoch", "sample", "schema_version", "segment", "template", "template_version",
    ];

    /// <summary>Seen red with the warm-up after the start, and with an event taken by it.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_server_is_ready_only_after_the_warm_up_which_leaves_nothing_behind(DatabaseKind kind)
    {
        var during = new Witness();
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true, workers: false, configure: services => services.AddSingleton<IHostedService>(provider => during.Of(provider)));

        Assert.Equal(("starting", true), (during.Obstacle, during.IsWarm));
        Assert.Equal(HttpStatusCode.OK, (await server.ClientWith(key: null).GetAsync("/health/ready")).StatusCode);
        Assert.Equal(Kept, await NotEmptyAsync(server));

        await server.Services.GetRequiredService<WarmUp>().RunAsync(FirstStart.AccountId, default);
        Assert.Equal(Kept, await NotEmptyAsync(server));
    }

    private static Task<List<string>> NotEmptyAsync(ServerUnderTest server) => server.Database.ReadAsync(async session =>
    {
        var tables = await session.QueryAsync(
            session.Dialect.IsPostgreSql
                ? "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
                : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            row => row.Text(0), default);
        var found = new List<string>();
        foreach (var table in tables.Order(StringComparer.Ordinal))
            if (await session.ScalarAsync<long>($"SELECT count(*) FROM {table}", default) > 0) found.Add(table);
        return found;
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
