using System.Data.Common;
using System.Reflection;
using Npgsql;

namespace MailFlow.Data;

/// <summary>
/// Applies the numbered schema files that the modules carry (<c>Schema/postgres/001_name.sql</c> and the same under <c>sqlite</c>),
/// each once and in a transaction of its own, under a lock, so that nodes starting together do it one after another. Files are additive: a running
/// node of the version before works on, and one that starts on a schema newer than it knows does, too.
/// </summary>
public static class Migrator
{
    /// <summary>Alone by this, whoever changes tables: see <see cref="Database.AloneAsync"/>.</summary>
    internal const string Lock = "schema";

    /// <summary>The schema files that these modules do not have and the database has had: a newer version of MailFlow has been here.</summary>
    public static Task<IReadOnlyList<string>> UnknownAsync(Database database, IEnumerable<Assembly> modules, CancellationToken ct)
    {
        var known = modules.SelectMany(module => FilesOf(module, database.Dialect.Name)).Select(file => file.Name).ToHashSet();
        return database.ReadAsync<IReadOnlyList<string>>(async session =>
            (await session.QueryAsync("SELECT name FROM schema_version ORDER BY name", row => row.Text(0), ct)).FindAll(name => !known.Contains(name)), ct);
    }

    /// <summary>Brings the schema up to date, file by file; gives the names of the files applied now. One that fails leaves those before it applied, and the next try goes on from there.</summary>
    /// <param name="database">Where to.</param>
    /// <param name="modules">The modules' assemblies, those depended on first.</param>
    /// <param name="ct">Stops between files.</param>
    /// <param name="waits">Told of a file that could not have the locks it needs, each time before it is tried again.</param>
    /// <exception cref="InvalidOperationException">A file failed; the message says which and why.</exception>
    public static Task<IReadOnlyList<string>> ApplyAsync(Database database, IEnumerable<Assembly> modules, CancellationToken ct, Action<string>? waits = null) => database.AloneAsync<IReadOnlyList<string>>(Lock, async () =>
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        if (database.Dialect.IsPostgreSql) await RunAsync(connection, $"CREATE SCHEMA IF NOT EXISTS \"{database.Schema.Replace("\"", "\"\"")}\"", ct);
        await RunAsync(connection, "CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY)", ct);
        var applied = new List<string>();
        foreach (var file in modules.SelectMany(module => FilesOf(module, database.Dialect.Name)))
            if (await ApplyAsync(database, connection, file, () => waits?.Invoke(file.Name), ct)) applied.Add(file.Name);
        return applied;
    }, ct);

    private static async Task<bool> ApplyAsync(Database database, DbConnection connection, SchemaFile file, Action waits, CancellationToken ct)
    {
        try
        {
            return await ChangeAsync(database, connection, async transaction =>
            {
                if (await IsAppliedAsync(connection, transaction, file.Name, ct)) return false;
                await RunAsync(connection, file.Sql, ct, transaction);
                await RunAsync(connection, $"INSERT INTO schema_version (name) VALUES ('{file.Name}')", ct, transaction);
                return true;
            }, waits, ct);
        }
        catch (DbException error)
        {
            throw new InvalidOperationException($"Schema file {file.Name} failed: {error.Message}", error);
        }
    }

    /// <summary>
    /// Changes tables beside nodes that are at work. Whoever asks for a table behind a change that waits for its lock waits with it, so that one long reader, such as a back-up, would hold up everybody:
    /// a change waits for a second, lets those behind it go first, and tries again for as long as it takes.
    /// </summary>
    internal static async Task<T> ChangeAsync<T>(Database database, DbConnection connection, Func<DbTransaction, Task<T>> change, Action? waits, CancellationToken ct)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                await using var transaction = database.Dialect.IsPostgreSql
                    ? await connection.BeginTransactionAsync(ct)
                    : ((Microsoft.Data.Sqlite.SqliteConnection)connection).BeginTransaction(deferred: false);
                if (database.Dialect.IsPostgreSql) await RunAsync(connection, "SET LOCAL lock_timeout = '1s'", ct, transaction);
                var result = await change(transaction);
                await transaction.CommitAsync(ct);
                return result;
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
            {
                waits?.Invoke();
            }
            await Task.Delay(Lane.PauseAfter(failures), database.Time, ct);
        }
    }

    private static async Task<bool> IsAppliedAsync(DbConnection connection, DbTransaction transaction, string name, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"SELECT 1 FROM schema_version WHERE name = '{name}'";
        return await command.ExecuteScalarAsync(ct) is not null;
    }

    private static async Task RunAsync(DbConnection connection, string sql, CancellationToken ct, DbTransaction? transaction = null)
    {
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        command.CommandTimeout = 0; // a large table takes its time
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Embedded as "Module.Schema.postgres.001_name.sql"; applied in the order of their numbers.</summary>
    private static IEnumerable<SchemaFile> FilesOf(Assembly module, string dialect)
    {
        var prefix = $"{module.GetName().Name}.Schema.{dialect}.";
        foreach (var resource in module.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(module.GetManifestResourceStream(resource)!);
            yield return new SchemaFile($"{module.GetName().Name}/{resource[prefix.Length..]}", reader.ReadToEnd());
        }
    }

    private sealed record SchemaFile(string Name, string Sql);
}
