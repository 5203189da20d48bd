using System.Net;
using MailFlow.Server.Hosting;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>What the first start leaves behind, and what health says.</summary>
public sealed class FirstStartTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_first_start_writes_a_working_key_for_its_owners_eyes_only(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);

        Assert.Equal(HttpStatusCode.OK, (await server.Admin.GetAsync("/api/v1/api-keys")).StatusCode);
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.DataDirectory, "admin.key")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(server.DataDirectory));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_later_start_makes_no_further_key(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var start = server.Services.GetRequiredService<FirstStart>();
        var key = server.AdminKey;

        Assert.Null(await start.RunAsync(default));
        Assert.Equal(key, server.AdminKey);
    }

    [Fact]
    public async Task An_operator_who_lost_the_key_can_have_another()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var key = await server.Services.GetRequiredService<FirstStart>().RenewAsync(default);

        Assert.Equal(key, server.AdminKey);
        Assert.Equal(HttpStatusCode.OK, (await server.ClientWith(key).GetAsync("/api/v1/api-keys")).StatusCode);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_started_server_is_live_and_ready_without_a_key(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var nobody = server.ClientWith(key: null);

        Assert.Equal(HttpStatusCode.OK, (await nobody.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await nobody.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task A_server_whose_database_has_gone_is_live_but_not_ready()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var nobody = server.ClientWith(key: null);
        await server.Database.WriteAsync(session => session.ExecuteAsync("ALTER TABLE account RENAME TO gone", default), default);

        Assert.Equal(HttpStatusCode.OK, (await nobody.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await nobody.GetAsync("/health/ready")).StatusCode);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_first_start_publishes_the_samples_and_one_that_was_deleted_does_not_come_back(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);

        var journeys = (await (await server.Admin.GetAsync("/api/v1/journeys")).JsonAsync()).GetProperty("items").EnumerateArray().ToList();
        Assert.True(journeys.Count >= 6);
        Assert.All(journeys, journey => Assert.Equal(1, journey.GetProperty("published_version").GetInt32()));

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/journeys/win-back")).StatusCode);
        await server.Services.GetRequiredService<Samples>().SeedAsync(FirstStart.AccountId, default);
        await (await server.Admin.GetAsync("/api/v1/journeys/win-back")).ProblemAsync(404);
    }
}
