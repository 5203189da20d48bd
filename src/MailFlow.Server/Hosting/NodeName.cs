using System.Security.Cryptography;

namespace MailFlow.Server.Hosting;

/// <summary>
/// The name under which this process sends: no other running process has it, and the next start takes it up again, so that what a crash left
/// under way is found at once. It is drawn at random and kept in a file of the data directory that the process holds locked until it ends, however
/// it ends; a second process in the same directory finds the first file locked and takes the next. So neither the address nor the working directory
/// matters, and a start that comes to nothing, because another server has the port, harms nobody.
/// </summary>
internal static class NodeName
{
    private const int MostProcesses = 100;

    /// <summary>Held until the process ends: a name given up earlier could pass to another while mail is still under way.</summary>
    private static readonly List<FileStream> Held = [];

    /// <summary>The first name in this directory that no running process has. Where nothing can be written, a name for this start alone.</summary>
    public static string Take(string directory)
    {
        for (var number = 1; number <= MostProcesses; number++)
            if (TryLock(Path.Combine(directory, $"node-{number}.name")) is { } file)
            {
                lock (Held) Held.Add(file);
                return Full(Read(file) ?? Write(file));
            }
        return Full(Draw());
    }

    /// <summary>The machine too: a network file system may not lock between machines.</summary>
    private static string Full(string drawn) => $"{Environment.MachineName} {drawn}";

    private static string Draw() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Read(FileStream file)
    {
        using var reader = new StreamReader(file, leaveOpen: true);
        return reader.ReadToEnd().Trim() is { Length: > 0 } name ? name : null;
    }

    private static string Write(FileStream file)
    {
        using var writer = new StreamWriter(file, leaveOpen: true);
        var name = Draw();
        writer.Write(name);
        return name;
    }
}
