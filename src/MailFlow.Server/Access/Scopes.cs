namespace MailFlow.Server.Access;

/// <summary>What a caller may do: an API key by its own list, a user by role (<see cref="Roles"/>). Each endpoint names the one it asks for; <see cref="Admin"/> holds all.</summary>
internal static class Scopes
{
    public const string Admin = "admin";
    public const string EventsWrite = "events:write";
    public const string ContactsRead = "contacts:read";
    public const string ContactsWrite = "contacts:write";
    public const string SegmentsRead = "segments:read";
    public const string SegmentsWrite = "segments:write";
    public const string TemplatesRead = "templates:read";
    public const string TemplatesWrite = "templates:write";
    public const string JourneysRead = "journeys:read";
    public const string JourneysWrite = "journeys:write";
    /// <summary>Letting journeys run: publish, pause, resume, start, and commands to instances.</summary>
    public const string JourneysPublish = "journeys:publish";
    public const string MessagesRead = "messages:read";
    /// <summary>What runs where and how far behind it is, over all accounts: for who operates the server, and for Prometheus.</summary>
    public const string ClusterRead = "cluster:read";

    /// <summary>Outgoing webhooks. No role but the administrator's holds these: an endpoint's address may itself be a secret, and what is told leaves the house.</summary>
    public const string WebhooksRead = "webhooks:read";
    public const string WebhooksWrite = "webhooks:write";

    /// <summary>Whether whoever holds it can only look.</summary>
    public static bool Reads(string scope) => scope.EndsWith(":read", StringComparison.Ordinal);

    public static IReadOnlyList<string> All { get; } =
    [
        Admin, EventsWrite, ContactsRead, ContactsWrite, SegmentsRead, SegmentsWrite,
        TemplatesRead, TemplatesWrite, JourneysRead, JourneysWrite, JourneysPublish, MessagesRead, ClusterRead, WebhooksRead, WebhooksWrite,
    ];
}
