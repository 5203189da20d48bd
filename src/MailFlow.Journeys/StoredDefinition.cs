using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Journeys;

/// <summary>One version of a workflow definition as it is stored.</summary>
/// <param name="DefinitionId">Stable across versions.</param>
/// <param name="Id">The version's own id.</param>
/// <param name="Version">From 1.</param>
/// <param name="IsLatest">Whether no newer version exists.</param>
/// <param name="IsPublished">Whether contacts enter this version now.</param>
/// <param name="WasPublished">Whether it ever was: such a version never changes again.</param>
/// <param name="IsPaused">Whether the journey is paused.</param>
/// <param name="CreatedAt">When this version was made.</param>
/// <param name="Definition">What the author said, with the server's stamp.</param>
public sealed record StoredDefinition(
    string DefinitionId, long Id, int Version, bool IsLatest, bool IsPublished, bool WasPublished, bool IsPaused, DateTimeOffset CreatedAt, WorkflowDefinition Definition)
{
    /// <summary>The definition as Elsa 3 JSON.</summary>
    public string Json => Definition.ToJson();

    internal const string Columns = """
        j.definition_id, v.id, v.version, v.version = (SELECT max(l.version) FROM definition_version l WHERE l.journey_id = j.id),
        CASE WHEN v.id = j.published_version_id THEN 1 ELSE 0 END, v.published_at, j.paused, v.created_at, v.definition
        """;

    /// <summary>The stamp is put on when it is read: publishing must not rewrite what the author said.</summary>
    internal static StoredDefinition Read(Row row)
    {
        var (definitionId, id, version, isLatest, isPublished, createdAt) = (row.Text(0), row.Long(1), row.Int(2), row.Bool(3), row.Int(4) == 1, row.Instant(7));
        var stamp = new DefinitionStamp(definitionId, id.ToString(CultureInfo.InvariantCulture), version, isLatest, isPublished, createdAt);
        return new StoredDefinition(definitionId, id, version, isLatest, isPublished, !row.IsNull(5), row.Bool(6), createdAt, WorkflowDefinition.ReadStored(row.Text(8)).With(stamp));
    }
}

/// <summary>A journey in a list.</summary>
/// <param name="DefinitionId">Stable across versions.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Description">What it is for, or null.</param>
/// <param name="LatestVersion">The latest version, published or not.</param>
/// <param name="PublishedVersion">The version that contacts enter now, or null.</param>
/// <param name="IsPaused">Whether it is paused.</param>
/// <param name="CreatedAt">When it was first saved.</param>
/// <param name="UpdatedAt">When it was last saved, published, paused or resumed.</param>
public sealed record JourneySummary(
    string DefinitionId, string Name, string? Description, int LatestVersion, int? PublishedVersion, bool IsPaused, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>What a publish came to.</summary>
/// <param name="Version">The version that was to be published.</param>
/// <param name="IsPublished">Whether it is published now: not when a finding is an error.</param>
/// <param name="Findings">What the linter and the modules' checks found, warnings included.</param>
public sealed record PublishResult(int Version, bool IsPublished, IReadOnlyList<Finding> Findings);

/// <summary>A journey's numbers: <c>Entered = Waiting + Completed + Exited + Faulted</c>.</summary>
/// <param name="Entered">Instances that began.</param>
/// <param name="Waiting">Those not at an end yet and without an incident.</param>
/// <param name="Completed">Those that came to their end.</param>
/// <param name="Exited">Those that left early or were cancelled.</param>
/// <param name="Faulted">Those that stand still with an incident.</param>
/// <param name="Activities">The same activity by activity, in the definition's order.</param>
/// <param name="Parked">The activities at which everybody fails, so that the contacts are held there; empty when all is well.</param>
public sealed record JourneyStats(long Entered, long Waiting, long Completed, long Exited, long Faulted, IReadOnlyList<ActivityStats> Activities,
    IReadOnlyList<ParkedActivity> Parked);

/// <summary>An activity at which everybody fails alike: the contacts are held there, none is an incident, and they go on when a try succeeds.</summary>
/// <param name="ActivityId">Its id in the definition; null where its version cannot be read.</param>
/// <param name="Version">The version of the journey.</param>
/// <param name="Reason">What they fail with.</param>
/// <param name="Since">Since when.</param>
/// <param name="RetryAt">When they are tried again.</param>
/// <param name="Attempts">How often a try has failed.</param>
public sealed record ParkedActivity(string? ActivityId, int? Version, string Reason, DateTimeOffset Since, DateTimeOffset RetryAt, int Attempts);

/// <summary>An activity's numbers, all versions of the journey together.</summary>
/// <param name="ActivityId">Its id in the definition.</param>
/// <param name="Passed">How often it was done.</param>
/// <param name="Waiting">How many contacts are at it now.</param>
/// <param name="Failed">How many stand at it with an incident.</param>
public sealed record ActivityStats(string ActivityId, long Passed, long Waiting, long Failed);
