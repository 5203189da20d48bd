using MailFlow.Data;
using MailFlow.Server.Hosting;
using MailFlow.Server.Http;

namespace MailFlow.Server.Nodes;

/// <summary>What a node does of what MailFlow does. (What a user may do is a <see cref="Access.Role"/>.)</summary>
[Flags]
internal enum NodeRoles
{
    /// <summary>Answers HTTP: the API, the console, recipients' pages, providers' webhooks.</summary>
    Api = 1,

    /// <summary>Works the shards: events, timers, jobs, and what is done by the clock.</summary>
    Worker = 2,

    /// <summary>Takes events in from a broker.</summary>
    Ingest = 4,

    /// <summary>Hands mail over, and works off what providers report.</summary>
    Sender = 8,

    /// <summary>Everything.</summary>
    All = Api | Worker | Ingest | Sender,
}

internal static class NodeRolesReading
{
    private const string Setting = "MailFlow:Roles", Everything = "all";

    private static readonly NodeRoles[] Single = [NodeRoles.Api, NodeRoles.Worker, NodeRoles.Ingest, NodeRoles.Sender];

    /// <summary><c>MailFlow:Roles</c>: "all", the default, or a list such as "api, worker".</summary>
    /// <exception cref="InvalidInputException">It is neither, or asks for some on SQLite, where one process does everything.</exception>
    public static NodeRoles ReadRoles(this IConfiguration configuration)
    {
        var words = (configuration[Setting] ?? string.Join(',', configuration.GetSection(Setting).GetChildren().Select(child => child.Value)))
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var roles = words.Aggregate(default(NodeRoles), (sum, word) => sum | Parse(word));
        if (roles == default) roles = NodeRoles.All;
        if (roles != NodeRoles.All && new Settings(configuration).IsOnSqlite)
            throw new InvalidInputException(Setting, "on SQLite one process does everything: leave it at 'all', or set ConnectionStrings__MailFlow to a PostgreSQL database");
        return roles;
    }

    public static bool Has(this NodeRoles roles, NodeRoles role) => (roles & role) != 0;

    /// <summary>As the API and the configuration have them.</summary>
    public static IReadOnlyList<string> Words(this NodeRoles roles) => [.. Single.Where(role => roles.Has(role)).Select(role => role.ToString().ToLowerInvariant())];

    /// <summary>Whoever asks a node without the API, or is led to it, is told so.</summary>
    public static void MapNoApi(this WebApplication app, NodeRoles roles) => app.Map("/{**path}", context => Problems.WriteAsync(context, StatusCodes.Status404NotFound,
        $"This node does not answer the API: its roles are {string.Join(", ", roles.Words())}. Ask one that has the role api, and let no load balancer lead here.")).AllowAnonymous();

    private static NodeRoles Parse(string word) =>
        word.Equals(Everything, StringComparison.OrdinalIgnoreCase) ? NodeRoles.All
        : Array.Find(Single, role => role.ToString().Equals(word, StringComparison.OrdinalIgnoreCase)) is var role && role != default ? role
        : throw new InvalidInputException(Setting, $"'{word}' is none of {Everything}, {string.Join(", ", NodeRoles.All.Words())}");
}
