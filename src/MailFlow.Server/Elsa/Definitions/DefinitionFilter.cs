using System.Globalization;
using MailFlow.Data;
using MailFlow.Journeys;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>What Studio's lists of definitions ask for: a handler's <c>[AsParameters]</c>.</summary>
internal readonly struct DefinitionFilter
{
    public string? VersionOptions { get; init; }

    public int? Page { get; init; }

    public int? PageSize { get; init; }

    [FromQuery(Name = "DefinitionIds")]
    public string[]? DefinitionIds { get; init; }

    [FromQuery(Name = "Ids")]
    public string[]? Ids { get; init; }

    public string? SearchTerm { get; init; }

    public string? OrderBy { get; init; }

    public string? OrderDirection { get; init; }

    public VersionChoice Choice => Ids is { Length: > 0 } ? VersionChoice.All : Read(VersionOptions);

    public IReadOnlyCollection<string>? DefinitionIdList => DefinitionIds is { Length: > 0 } given ? given : null;

    public IReadOnlyCollection<long>? IdList => Ids is { Length: > 0 } given
        ? [.. given.Select(id => long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var key) ? key : 0)] : null;

    public int Take => Math.Clamp(PageSize ?? Cursor.MaxLimit, 1, Cursor.MaxLimit);

    public int Skip => (int)Math.Min((long)Math.Max(Page ?? 0, 0) * Take, int.MaxValue);

    /// <summary>Those that match the search, in the order asked for.</summary>
    public List<StoredDefinition> Apply(IReadOnlyList<StoredDefinition> found)
    {
        var term = SearchTerm?.Trim() ?? "";
        var matching = found.Where(stored => term.Length == 0 || Holds(stored.Definition.Name, term) || Holds(stored.DefinitionId, term) || Holds(stored.Definition.Description, term));
        var ascending = string.Equals(OrderDirection, "Ascending", StringComparison.OrdinalIgnoreCase);
        IEnumerable<StoredDefinition> ordered = OrderBy?.ToLowerInvariant() switch
        {
            "version" => matching.OrderBy(stored => stored.Version),
            "created" => matching.OrderBy(stored => stored.CreatedAt),
            _ => matching.OrderBy(stored => stored.Definition.Name, StringComparer.OrdinalIgnoreCase),
        };
        return [.. ascending || OrderBy is null ? ordered : ordered.Reverse()];
    }

    /// <summary>Studio's words for which versions it wants; the latest where it says nothing.</summary>
    public static VersionChoice Read(string? words) => words?.ToLowerInvariant() switch
    {
        "published" => VersionChoice.Published,
        "latestorpublished" => VersionChoice.LatestOrPublished,
        "latestandpublished" => VersionChoice.LatestAndPublished,
        "draft" => VersionChoice.Draft,
        "allversions" or "all" => VersionChoice.All,
        _ => VersionChoice.Latest,
    };

    private static bool Holds(string? text, string term) => text?.Contains(term, StringComparison.OrdinalIgnoreCase) == true;
}
