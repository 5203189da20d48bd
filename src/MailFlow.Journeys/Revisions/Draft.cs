using MailFlow.Engine.Definitions;

namespace MailFlow.Journeys;

/// <summary>A draft to be saved, made under the lock of its journey: so that what is decided by what is there still holds when it is written.</summary>
/// <param name="Make">The new draft, of the latest version and revision (null for a new journey). What it throws refuses the save.</param>
/// <param name="Source">What saves it, for people: "API", "Elsa Studio", "restored from revision 7".</param>
/// <param name="Author">Who, or null where it is not known.</param>
/// <param name="Session">The editor that saves it; null where it has none.</param>
public sealed record Draft(Func<StoredDefinition?, JourneyRevision?, WorkflowDefinition> Make, string Source, string? Author = null, string? Session = null)
{
    /// <summary>A draft that replaces whatever is there.</summary>
    public static Draft Of(WorkflowDefinition definition, string source, string? author = null) => new((_, _) => definition, source, author);
}

/// <summary>One save of a journey's draft.</summary>
/// <param name="Number">From 1, within the journey.</param>
/// <param name="Version">The definition version it was saved as.</param>
/// <param name="Source">What saved it.</param>
/// <param name="Author">Who, or null.</param>
/// <param name="Activities">How many activities it has.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="PublishedAt">When it was first published, where it ever was.</param>
public sealed record JourneyRevision(int Number, int Version, string Source, string? Author, int Activities, DateTimeOffset CreatedAt, DateTimeOffset? PublishedAt)
{
    /// <summary>The editor that saved it.</summary>
    internal string? Session { get; init; }

    /// <summary>Whether this editor saved it.</summary>
    public bool IsOf(string session) => Session == session;
}
