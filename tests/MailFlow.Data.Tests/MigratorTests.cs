using MailFlow.Testing;
using Npgsql;

namespace MailFlow.Data.Tests;

/// <summary>The schema is changed beside nodes that are at work.</summary>
public sealed class MigratorTests
{
    // Seen red: the change queued for its lock, and everybody else behind it.
    [Fact]
    public async Task A_change_that_waits_for_a_long_reader_lets_everybody_else_at_the_table()
    {
        var time = new FakeTime();
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, time);
        await using var reader = await OpenAsync(test.ConnectionString!);
        await using var changer = await OpenAsync(test.ConnectionString!);
        await using var other = await OpenAsync(test.ConnectionString!);
        await using var reading = await reader.BeginTransactionAsync();
        await RunAsync(reader, "SELECT count(*) FROM audit");
        var waits = new TaskCompletionSource();

        var changing = Migrator.ChangeAsync(test.Database, changer, async _ =>
        {
            await RunAsync(changer, "ALTER TABLE audit ADD COLUMN seen INT");
            return true;
        }, waits.SetResult, default);
        await waits.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await RunAsync(other, "SET statement_timeout = '20s'; SELECT count(*) FROM audit");

        await reading.CommitAsync();
        while (!changing.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.True(await changing);
        await RunAsync(other, "SELECT seen FROM audit");
    }

    [Fact]
    public async Task Connections_that_a_library_opens_let_go_of_their_locks_when_their_process_stands_still()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        await using var connection = await OpenAsync(Database.Guard(test.ConnectionString!));

        foreach (var (setting, value) in new[] { ("idle_in_transaction_session_timeout", "10s"), ("jit", "off") })
            Assert.Equal(value, await RunAsync(connection, $"SHOW {setting}"));
    }

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<object?> RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
