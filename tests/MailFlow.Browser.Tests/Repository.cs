using System.Runtime.CompilerServices;

namespace MailFlow.Browser.Tests;

/// <summary>Where the sources are.</summary>
internal static class Repository
{
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
