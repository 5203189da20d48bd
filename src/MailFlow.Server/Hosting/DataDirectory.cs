namespace MailFlow.Server.Hosting;

/// <summary>
/// The data directory, taken by this process. On SQLite nobody else has it meanwhile: a file in it is locked until the process ends, however it ends, by
/// the operating system; so what a killed process left behind is in nobody's way. On PostgreSQL several may share one.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>The errors of a file that another has locked: EAGAIN on Linux and on macOS, ERROR_SHARING_VIOLATION on Windows.</summary>
    private static readonly int[] Locked = [11, 35, unchecked((int)0x80070020)];

    private readonly FileStream? _lock;

    private DataDirectory(FileStream? held) => _lock = held;

    /// <summary>Makes it where it is not there, and takes it.</summary>
    /// <exception cref="StartRefusedException">It cannot be used, or another process has it.</exception>
    public static DataDirectory Take(Settings settings)
    {
        // Beside the lock, which nobody else can read: who holds it. Left by a process that was killed, it says nothing, and is not asked.
        var (directory, holder) = (settings.DataDirectory, Path.Combine(settings.DataDirectory, "server.process"));
        try
        {
            settings.CreateDataDirectory();
            if (!settings.IsOnSqlite) return new DataDirectory(null);
            var held = new FileStream(Path.Combine(directory, "server.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(holder, $"process {Environment.ProcessId} on {Environment.MachineName}");
            return new DataDirectory(held);
        }
        catch (IOException error) when (Locked.Contains(error.HResult))
        {
            throw new StartRefusedException($"the data directory {directory} is in use by {HolderIn(holder)}. "
                + "On SQLite it takes one server: stop that one, or set MailFlow__DataDirectory to another directory.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"the data directory {directory} cannot be used ({error.Message}). "
                + "Give this user the right to write there, or set MailFlow__DataDirectory to another directory.", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();

    private static string HolderIn(string file)
    {
        try
        {
            return File.ReadAllText(file) is { Length: > 0 } text ? text : "another process";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "another process"; // which has not got round to saying so
        }
    }
}
