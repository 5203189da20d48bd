namespace MailFlow.Delivery.Tests.Providers;

/// <summary>Where the repository is.</summary>
internal static class RepositoryFolder
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "MailFlow.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"No MailFlow.sln above {AppContext.BaseDirectory}.");
    }
}
