using System.Reflection;
using MailFlow.Data;
using Npgsql;
using Xunit;

namespace MailFlow.Testing;

/// <summary>Which database a test runs on.</summary>
public enum DatabaseKind
{
    /// <summary>A file of its own.</summary>
    Sqlite,

    /// <summary>A schema of its own on <see cref="PostgresServer"/>.</summary>
    PostgreSql,
}

/// <summary>The cases of a theory that holds on both databases: <c>[Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]</c>.</summary>
public static class OnEveryDatabase
{
    /// <summary>Both.</summary>
    public static TheoryData<DatabaseKind> Kinds => new(DatabaseKind.Sqlite, DatabaseKind.PostgreSql);
}

/// <summary>An empty database with the schema applied, gone when disposed of.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly string? _schema;
    private readonly string? _folder;

    private TestDatabase(Database database, string? schema, string? folder, string? connectionString) =>
        (Database, _schema, _folder, ConnectionString) = (database, schema, folder, connectionString);

    /// <summary>The database.</summary>
    public Database Database { get; }

    /// <summary>How another process reaches it, on PostgreSQL.</summary>
    public string? ConnectionString { get; }

    /// <summary>Makes one, on the clock given (default: a <see cref="FakeTime"/>), with the schema of these modules (MailFlow.Data's comes first by itself).</summary>
    public static async Task<TestDatabase> CreateAsync(DatabaseKind kind, TimeProvider? time = null, params Assembly[] modules)
    {
        time ??= new FakeTime();
        var test = kind == DatabaseKind.Sqlite ? OnSqlite(time) : OnPostgreSql(time);
        await Migrator.ApplyAsync(test.Database, [typeof(Database).Assembly, .. modules], CancellationToken.None);
        return test;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
        if (_schema is null) return;
        await using var connection = new NpgsqlConnection(PostgresServer.ConnectionString);
        await connection.OpenAsync();
        // The wall's role is the server's, not the schema's; what it was granted went with the schema.
        var role = Database.ApiRole is { } wall ? $"; DROP ROLE IF EXISTS {wall}" : "";
        await using var command = new NpgsqlCommand($"DROP SCHEMA IF EXISTS {_schema} CASCADE{role}", connection);
        await command.ExecuteNonQueryAsync();
    }

    private static TestDatabase OnSqlite(TimeProvider time)
    {
        var folder = Directory.CreateTempSubdirectory("mailflow-test-").FullName;
        return new TestDatabase(Database.OpenSqlite(Path.Combine(folder, "mailflow.db"), time), null, folder, null);
    }

    private static TestDatabase OnPostgreSql(TimeProvider time)
    {
        var schema = "test_" + Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString("n");
        var settings = new NpgsqlConnectionStringBuilder(PostgresServer.ConnectionString) { SearchPath = schema, MaxPoolSize = 20 };
        return new TestDatabase(Database.OpenPostgreSql(settings.ConnectionString, time), schema, null, settings.ConnectionString);
    }
}
