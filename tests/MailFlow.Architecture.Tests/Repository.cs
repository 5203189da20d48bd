using System.Xml.Linq;

namespace MailFlow.Architecture.Tests;

/// <summary>The repository these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>All source files of ours under a folder, by path from the root with forward slashes.</summary>
    public static IEnumerable<(string Path, string Text)> Files(string folder, params string[] patterns) =>
        from pattern in patterns
        let full = Path.Combine(Root, folder)
        where Directory.Exists(full)
        from file in Directory.EnumerateFiles(full, pattern, SearchOption.AllDirectories)
        let path = Path.GetRelativePath(Root, file).Replace('\\', '/')
        where !path.Split('/').Any(part => part is "obj" or "bin" or "artifacts" or "node_modules" or "data" or ".git" or ".vs")
        orderby path
        select (path, File.ReadAllText(file));

    /// <summary>The projects under a folder, by name, each with the names of the projects it refers to.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Projects(string folder) =>
        Files(folder, "*.csproj").ToDictionary(
            file => Path.GetFileNameWithoutExtension(file.Path),
            file => (IReadOnlyList<string>)[.. XDocument.Parse(file.Text).Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))]);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "MailFlow.sln"))) return folder.FullName;
        throw new InvalidOperationException("These tests read the repository: run them from a build inside it.");
    }
}

internal static class Findings
{
    /// <summary>Fails with every finding, one a line.</summary>
    public static void None(IEnumerable<string> findings)
    {
        var all = findings.ToList();
        Assert.True(all.Count == 0, string.Join('\n', all));
    }
}
