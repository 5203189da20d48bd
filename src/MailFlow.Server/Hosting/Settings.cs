using MailFlow.Data;

namespace MailFlow.Server.Hosting;

/// <summary>Where the server keeps what it keeps.</summary>
internal sealed class Settings(IConfiguration configuration)
{
    /// <summary><c>MailFlow__DataDirectory</c>; default: <c>data</c> in the working directory.</summary>
    public string DataDirectory { get; } = Path.GetFullPath(configuration["MailFlow:DataDirectory"] is { Length: > 0 } given ? given : "data");

    /// <summary>The file that the first start writes the administrator's API key to.</summary>
    public string AdminKeyFile => Path.Combine(DataDirectory, "admin.key");

    /// <summary>The file that the first start writes the administrator's password to.</summary>
    public string AdminPasswordFile => Path.Combine(DataDirectory, "admin.password");

    /// <summary><c>MailFlow__Samples</c>: whether account 1 is given the sample journeys; default: yes.</summary>
    public bool GivesSamples { get; } = configuration["MailFlow:Samples"] is not { Length: > 0 } given
        || (bool.TryParse(given, out var gives) ? gives : throw new StartRefusedException($"MailFlow:Samples: '{given}' is neither true nor false"));

    /// <summary>Whether the database is a file in the data directory.</summary>
    public bool IsOnSqlite => string.IsNullOrEmpty(configuration.GetConnectionString("MailFlow"));

    /// <summary><c>ConnectionStrings__MailFlow</c> is PostgreSQL's; without it, a SQLite file in the data directory.</summary>
    public Database OpenDatabase(TimeProvider time)
    {
        if (!IsOnSqlite) return Read(connection => Database.OpenPostgreSql(connection, time));
        var file = Path.Combine(DataDirectory, "mailflow.db");
        // SQLite gives the files beside it the same permissions; an empty file is an empty database.
        if (!File.Exists(file)) new FileStream(file, ForOwnerOnly()).Dispose();
        return Database.OpenSqlite(file, time);
    }

    /// <summary>How to make a file that nobody but its owner may read.</summary>
    public static FileStreamOptions ForOwnerOnly()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    /// <summary>Makes it for its owner's eyes only, and names it. One that was there keeps the permissions its owner gave it.</summary>
    public string CreateDataDirectory()
    {
        if (Directory.Exists(DataDirectory)) return DataDirectory;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(DataDirectory);
        else Directory.CreateDirectory(DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return DataDirectory;
    }

    /// <summary>PostgreSQL's connection string as a library's own connections are to have it; null on SQLite.</summary>
    public string? GuardedConnectionString() => IsOnSqlite ? null : Read(Database.Guard);

    private T Read<T>(Func<string, T> read)
    {
        try
        {
            return read(configuration.GetConnectionString("MailFlow")!);
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            throw new StartRefusedException($"ConnectionStrings:MailFlow: {error.Message}", error);
        }
    }
}
