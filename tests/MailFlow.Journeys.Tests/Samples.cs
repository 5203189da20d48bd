namespace MailFlow.Journeys.Tests;

/// <summary>The files under <c>workflows/</c>.</summary>
internal static class Samples
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "workflows");

    public static IEnumerable<(string Key, string Json)> Journeys() => Files(Folder);

    /// <summary>Layouts first: a template cannot be put before its layout.</summary>
    public static IEnumerable<(string Key, string Json)> Templates() => Files(Path.Combine(Folder, "templates")).OrderBy(file => file.Key.StartsWith("layout", StringComparison.Ordinal) ? 0 : 1);

    public static IEnumerable<(string Key, string Json)> Segments() => Files(Path.Combine(Folder, "segments"));

    public static string Journey(string key) => File.ReadAllText(Path.Combine(Folder, key + ".json"));

    private static IEnumerable<(string Key, string Json)> Files(string folder) =>
        Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal).Select(file => (Path.GetFileNameWithoutExtension(file), File.ReadAllText(file)));
}
