namespace MailFlow.Server.Http;

/// <summary>Ids of others' making as they stand in an address.</summary>
internal static class PathText
{
    /// <summary>Undoes the one escape that the server leaves in a path, so that it does not become a separator: <c>%2F</c>.</summary>
    public static string Unescape(string segment) => segment.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
