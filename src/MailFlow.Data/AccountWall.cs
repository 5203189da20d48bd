using System.Data.Common;
using Npgsql;

namespace MailFlow.Data;

/// <summary>
/// The second wall between accounts, on PostgreSQL: what a request does runs under a role to which row-level security shows the rows of its account alone, so that a statement
/// that forgets to ask for the account sees and changes nothing of another's. The engine and all that works in the background own the tables and pay nothing for it.
/// On SQLite there is the first wall only.
/// </summary>
public static class AccountWall
{
    /// <summary>Opens a walled session's statement: its result comes first. Both settings end with the transaction, which outside of one is the statement's own.</summary>
    internal const string Enter = "SELECT set_config('role', @wall_role, true), set_config('mailflow.account', @wall_account, true); ";

    private static readonly AsyncLocal<int?> Current = new();

    /// <summary>
    /// The account whose rows alone the sessions of this flow may reach; null for all. Set it in an async method that awaits what is to be walled: it then ends with the method.
    /// </summary>
    public static int? Account
    {
        get => Current.Value;
        set => Current.Value = value;
    }

    /// <summary>For what belongs to no account, within a request: until it is disposed of, this flow's sessions reach all rows.</summary>
    public static IDisposable Lift()
    {
        var lifted = new Lifted(Account);
        Account = null;
        return lifted;
    }

    /// <summary>
    /// Makes the role, where the connection's user may, and what it is held by: on each table with an <c>account_id</c> a policy, on the others the rights alone. What is there
    /// already stays. Run it after the migrator at each start: new tables are walled then. Gives what a database administrator must run first, null when the wall stands.
    /// <paramref name="waits"/> is told when a table's lock cannot be had, each time before it is tried again.
    /// </summary>
    public static Task<string?> BuildAsync(Database database, CancellationToken ct, Action? waits = null) =>
        database.Dialect.IsPostgreSql ? database.AloneAsync(Migrator.Lock, () => BuildAloneAsync(database, waits, ct), ct) : Task.FromResult<string?>(null);

    private static async Task<string?> BuildAloneAsync(Database database, Action? waits, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        var role = RoleOf(connection.Database, database.Schema);
        try
        {
            await MakeRoleAsync(connection, role, ct);
            // A table at a time, so that no two locks are held at once beside nodes that are at work.
            foreach (var statement in await MissingAsync(connection, role, ct)) await Migrator.ChangeAsync(database, connection, async _ =>
            {
                await RunAsync(connection, statement, ct);
                return true;
            }, waits, ct);
            database.ApiRole = role;
            return null;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return $"CREATE ROLE {role} NOLOGIN; GRANT {role} TO {await UserAsync(connection, ct)};";
        }
    }

    /// <summary>Roles are the whole server's: an installation's own is named after its database and schema.</summary>
    internal static string RoleOf(string database, string schema) => $"mailflow_api_{StableHash.Of($"{database}.{schema}"):x16}";

    private static Task MakeRoleAsync(DbConnection connection, string role, CancellationToken ct) => RunAsync(connection, $"""
        DO $$
        BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
            CREATE ROLE {role} NOLOGIN;
          END IF;
          -- Who made a role may still not act as it, and how one asks whether he may depends on the version: so it is tried.
          BEGIN
            SET LOCAL ROLE {role};
            RESET ROLE;
          EXCEPTION WHEN insufficient_privilege THEN
            EXECUTE format('GRANT {role} TO %I', current_user);
          END;
        END
        $$
        """, ct);

    /// <summary>What the schema and each of its tables lack. A restored back-up's policies may be for another database's role. Partitions are reached through their table, which is walled; the migrator's and the clock's tables not at all.</summary>
    private static async Task<List<string>> MissingAsync(DbConnection connection, string role, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"""
            SELECT format('GRANT USAGE ON SCHEMA %I TO {role}', current_schema())
            WHERE NOT has_schema_privilege('{role}', current_schema(), 'USAGE')
            UNION ALL
            SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %1$s TO {role}', t.name)
              || CASE WHEN t.account IS NULL THEN '' ELSE format(
                '; ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS own_account ON %1$s; CREATE POLICY own_account ON %1$s TO {role} USING (%2$I = nullif(current_setting(''mailflow.account'', true), '''')::int)',
                t.name, t.account) END
            FROM (
              SELECT c.oid, c.oid::regclass::text AS name,
                (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attname = CASE c.relname WHEN 'account' THEN 'id' ELSE 'account_id' END) AS account
              FROM pg_class c
              WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND c.relname <> 'schema_version' AND c.relname NOT LIKE 'qrtz\_%'
            ) t
            WHERE NOT has_table_privilege('{role}', t.oid, 'DELETE')
              OR t.account IS NOT NULL AND NOT EXISTS (
                SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'own_account' AND to_regrole('{role}')::oid = ANY (p.polroles))
            """;
        var missing = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) missing.Add(reader.GetString(0));
        return missing;
    }

    private static async Task<string> UserAsync(DbConnection connection, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT quote_ident(current_user)";
        return (string)(await command.ExecuteScalarAsync(ct))!;
    }

    private static async Task RunAsync(DbConnection connection, string sql, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(ct);
    }

    private sealed class Lifted(int? account) : IDisposable
    {
        public void Dispose() => Account = account;
    }
}
