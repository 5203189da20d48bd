using MailFlow.Testing;
using Npgsql;

namespace MailFlow.Data.Tests;

/// <summary>PostgreSQL's row-level security, against statements that forget to ask for the account.</summary>
public sealed class AccountWallTests
{
    // Seen red: with the policy's USING (true), with a WITH CHECK (true) beside it (this test alone), and with sessions that do not take the role.
    [Fact]
    public async Task A_walled_session_that_forgets_its_account_sees_and_changes_nothing_of_another()
    {
        await using var test = await NewAsync();
        Assert.Null(await AccountWall.BuildAsync(test.Database, default));
        await InsertAsync(test, 1, 10);
        await InsertAsync(test, 2, 20);

        var (seen, first, count) = await AsAccountAsync(1, () => test.Database.ReadAsync(async session => (
            await session.QueryAsync("SELECT * FROM item", row => row.Int(0), default),
            await session.FirstAsync("SELECT account_id FROM item ORDER BY account_id DESC LIMIT 1", row => row.Int(0), default),
            await session.ScalarAsync<long>("SELECT count(*) FROM item", default)), default));
        var (updated, again, deleted) = await AsAccountAsync(1, () => test.Database.WriteAsync(async session => (
            await session.ExecuteAsync("UPDATE item SET n = n + 1", default),
            await session.ExecuteAsync("UPDATE item SET n = r.n FROM {rows} WHERE item.account_id = r.account",
                new Rows<int>([1, 2]).Int("account", account => account).Int("n", account => account * 100), default),
            await session.ExecuteAsync("DELETE FROM item WHERE account_id = 2", default)), default));
        foreach (var sql in new[] { "INSERT INTO item (account_id, n) VALUES (2, 0)", "UPDATE item SET account_id = 2", "TRUNCATE item", "SELECT name FROM schema_version" })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => AsAccountAsync(1, () => test.Database.WriteAsync(session => session.ExecuteAsync(sql, default), default)));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        }

        Assert.Equal([1], seen);
        Assert.Equal((1, 1L), (first, count));
        Assert.Equal((1, 1, 0), (updated, again, deleted));
        Assert.Equal([(1, 100), (2, 20)], await AllAsync(test));
    }

    [Fact]
    public async Task What_a_walled_session_enqueues_is_walled_from_the_first_statement_on()
    {
        await using var test = await NewAsync();
        await AccountWall.BuildAsync(test.Database, default);
        await InsertAsync(test, 1, 10);
        await InsertAsync(test, 2, 20);

        var seen = await AsAccountAsync(1, () => test.Database.WriteAsync(async session =>
        {
            var all = await session.EnqueueAsync("SELECT n FROM item", row => row.Int(0), default);
            await session.EnqueueAsync("UPDATE item SET n = item.n + r.more FROM {rows}", new Rows<int>([1]).Int("more", more => more), default);
            await session.SendAsync(default);
            return all.Rows;
        }, default));

        Assert.Equal([10], seen);
        Assert.Equal([(1, 11), (2, 20)], await AllAsync(test));
    }

    [Fact]
    public async Task What_is_not_an_accounts_request_reaches_all_rows_on_the_same_connections()
    {
        await using var test = await NewAsync();
        await AccountWall.BuildAsync(test.Database, default);
        await InsertAsync(test, 1, 10);
        await InsertAsync(test, 2, 20);

        // Enough times for the driver to have prepared the statement under either role.
        for (var i = 0; i < 5; i++)
        {
            Assert.Single(await AsAccountAsync(2, () => AllAsync(test)));
            Assert.Equal(2, (await AllAsync(test)).Count);
            Assert.Equal(2, (await AsAccountAsync(1, async () =>
            {
                using var lifted = AccountWall.Lift();
                return await AllAsync(test);
            })).Count);
        }
        Assert.Null(AccountWall.Account);
    }

    [Fact]
    public async Task Those_who_commit_for_all_are_not_walled_in_with_whoever_came_first()
    {
        GroupCommit<int, int?>? commits = null;
        var account = await AsAccountAsync(1, async () =>
        {
            commits = new(10, 10, _ => 1, requests => Task.FromResult<IReadOnlyList<int?>>([.. requests.Select(_ => AccountWall.Account)]));
            return await commits.CommitAsync(1, default);
        });
        await commits!.DisposeAsync();

        Assert.Null(account);
    }

    [Fact]
    public async Task A_table_that_came_later_is_walled_by_the_next_start()
    {
        await using var test = await NewAsync();
        await AccountWall.BuildAsync(test.Database, default);
        await test.Database.WriteAsync(session => session.ExecuteAsync("CREATE TABLE later (account_id INT NOT NULL)", default), default);
        await test.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO later VALUES (1), (2), (2)", default), default);
        Task<long> CountAsync() => AsAccountAsync(1, () => test.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM later", default), default));

        await Assert.ThrowsAsync<PostgresException>(CountAsync);
        await AccountWall.BuildAsync(test.Database, default);

        Assert.Equal(1, await CountAsync());
    }

    // Seen red: a policy by that name was enough, whosever it was, and rights were not looked at.
    [Theory]
    [InlineData("REVOKE ALL ON item FROM {role}; REVOKE ALL ON SCHEMA {schema} FROM {role}; ALTER POLICY own_account ON item TO pg_monitor")] // from a database of another name
    [InlineData("ALTER POLICY own_account ON item TO pg_monitor")]
    [InlineData("REVOKE ALL ON item FROM {role}")] // pg_restore --no-privileges
    public async Task What_a_restored_table_lacks_of_the_wall_the_next_start_gives_it(string lack)
    {
        await using var test = await NewAsync();
        await AccountWall.BuildAsync(test.Database, default);
        await InsertAsync(test, 1, 10);
        await InsertAsync(test, 2, 20);
        var sql = lack.Replace("{role}", test.Database.ApiRole).Replace("{schema}", test.Database.Schema);
        await test.Database.WriteAsync(session => session.ExecuteAsync(sql, default), default);

        Assert.Null(await AccountWall.BuildAsync(test.Database, default));

        Assert.Equal([(1, 10)], await AsAccountAsync(1, () => AllAsync(test)));
    }

    [Fact]
    public async Task Who_may_not_make_roles_is_told_what_an_administrator_must_run_and_the_next_start_builds_the_wall()
    {
        await using var test = await NewAsync();
        var schema = test.Database.Schema;
        var owner = schema.Replace("test_", "owner_");
        try
        {
            await RunAsync($"CREATE ROLE {owner} LOGIN; ALTER SCHEMA {schema} OWNER TO {owner}; ALTER TABLE {schema}.item OWNER TO {owner}; ALTER TABLE {schema}.audit OWNER TO {owner}; ALTER TABLE {schema}.audit_horizon OWNER TO {owner}; ALTER TABLE {schema}.schema_version OWNER TO {owner}");
            await using (var database = Database.OpenPostgreSql(new NpgsqlConnectionStringBuilder(test.ConnectionString) { Username = owner }.ConnectionString, TimeProvider.System))
            {
                var statements = await AccountWall.BuildAsync(database, default);
                var role = AccountWall.RoleOf("postgres", schema);
                Assert.Equal($"CREATE ROLE {role} NOLOGIN; GRANT {role} TO {owner};", statements);
                await database.WriteAsync(session => session.ExecuteAsync("INSERT INTO item (account_id, n) VALUES (1, 10), (2, 20)", default), default);
                Assert.Equal(2, await AsAccountAsync(1, () => database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM item", default), default)));

                await RunAsync(statements!);
                Assert.Null(await AccountWall.BuildAsync(database, default));

                Assert.Equal(1, await AsAccountAsync(1, () => database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM item", default), default)));
                Assert.Equal(2, await database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM item", default), default));
            }
        }
        finally
        {
            await RunAsync($"DROP SCHEMA {schema} CASCADE; DROP ROLE IF EXISTS {AccountWall.RoleOf("postgres", schema)}; DROP ROLE IF EXISTS {owner}");
        }
    }

    private static async Task<TestDatabase> NewAsync()
    {
        var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        await test.Database.WriteAsync(session => session.ExecuteAsync("CREATE TABLE item (account_id INT NOT NULL, n INT NOT NULL)", default), default);
        return test;
    }

    private static Task<int> InsertAsync(TestDatabase test, int account, int n) =>
        test.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO item (account_id, n) VALUES (@account, @n)", default, ("account", account), ("n", n)), default);

    private static Task<List<(int Account, int N)>> AllAsync(TestDatabase test) =>
        test.Database.ReadAsync(session => session.QueryAsync("SELECT account_id, n FROM item ORDER BY account_id", row => (row.Int(0), row.Int(1)), default), default);

    private static async Task<T> AsAccountAsync<T>(int account, Func<Task<T>> work)
    {
        AccountWall.Account = account;
        return await work();
    }

    private static async Task RunAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(PostgresServer.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
