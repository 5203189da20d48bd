using MailFlow.Data;

namespace MailFlow.Server.Access;

/// <summary>What a user is to the account. Each holds what the one before it holds.</summary>
internal enum Role
{
    /// <summary>Reads everything but keys, users and outgoing webhooks.</summary>
    Viewer,

    /// <summary>Also writes drafts, templates, segments and contacts: nothing that makes a journey do something by itself.</summary>
    Editor,

    /// <summary>Also lets journeys run: publishes, pauses, sends events, intervenes in instances.</summary>
    Publisher,

    /// <summary>Everything.</summary>
    Admin,
}

internal static class Roles
{
    private static readonly string[] Reading = [Scopes.ContactsRead, Scopes.SegmentsRead, Scopes.TemplatesRead, Scopes.JourneysRead, Scopes.MessagesRead];
    private static readonly string[] Editing = [.. Reading, Scopes.ContactsWrite, Scopes.SegmentsWrite, Scopes.TemplatesWrite, Scopes.JourneysWrite];
    private static readonly string[] Publishing = [.. Editing, Scopes.JourneysPublish, Scopes.EventsWrite];

    /// <summary>The scopes that a role comes to: endpoints ask for scopes, of keys and users alike.</summary>
    public static IReadOnlyList<string> ScopesOf(Role role) => role switch
    {
        Role.Viewer => Reading,
        Role.Editor => Editing,
        Role.Publisher => Publishing,
        _ => [Scopes.Admin],
    };

    /// <summary>The role's word in the API and the database.</summary>
    public static string Word(this Role role) => role.ToString().ToLowerInvariant();

    /// <summary>The role with this word. Throws <see cref="InvalidInputException"/> when there is none.</summary>
    public static Role Parse(string? word) => All.FirstOrDefault(role => role.Word() == word, (Role)(-1)) is var found && Enum.IsDefined(found)
        ? found
        : throw new InvalidInputException("role", $"must be {string.Join(", ", All.SkipLast(1).Select(Word))} or {All[^1].Word()}");

    /// <summary>The least role that holds a scope.</summary>
    public static Role LeastWith(string scope) => All.First(role => ScopesOf(role).Contains(scope) || role == Role.Admin);

    private static Role[] All { get; } = Enum.GetValues<Role>();
}
