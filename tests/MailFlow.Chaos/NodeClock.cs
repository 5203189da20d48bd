using System.Globalization;

namespace MailFlow.Chaos;

/// <summary>
/// The wall clock of one node's machine, which can be stepped while the node runs: Debian's libfaketime, loaded into it, adds what stands in a file. The server is the one that is
/// shipped, and all that is in it is told the same time, its drivers too. What measures spans goes on evenly, as at a real step.
/// </summary>
internal sealed class NodeClock(string file)
{
    private const string Shared = "/dev/shm", Library = "faketime/libfaketimeMT.so.1";
    private static readonly string[] Prefixes = ["faketime_shm_", "sem.faketime_sem_"];

    /// <summary>The environment of a node that is to go by it.</summary>
    public IEnumerable<(string Name, string Value)> Environs()
    {
        var library = Directory.EnumerateDirectories("/usr/lib").Select(folder => Path.Combine(folder, Library)).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("Clocks are stepped by libfaketime, a package of Debian's, which is not installed");
        Set(TimeSpan.Zero);
        return [("LD_PRELOAD", library), ("FAKETIME_TIMESTAMP_FILE", file), ("FAKETIME_CACHE_DURATION", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_FORCE_MONOTONIC_FIX", "0")]; // its "fix" ends every timed wait at once when the clock is behind: threads then spin
    }

    /// <summary>Within a second the node's clock is so far ahead of the machine's, or behind it.</summary>
    public void Set(TimeSpan ahead)
    {
        File.WriteAllText(file + ".new", ahead.TotalSeconds.ToString("+0;-0;+0", CultureInfo.InvariantCulture));
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Removes what processes that were killed have left in shared memory: another with such a number could not begin.</summary>
    public static void CleanUp()
    {
        foreach (var left in Directory.EnumerateFiles(Shared))
            if (Prefixes.FirstOrDefault(Path.GetFileName(left).StartsWith) is { } prefix && int.TryParse(Path.GetFileName(left)[prefix.Length..], out var process) && !Directory.Exists($"/proc/{process}"))
                File.Delete(left);
    }
}
