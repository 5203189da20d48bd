using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>What Studio's list of instances asks for, in its JSON.</summary>
internal sealed record InstanceFilterBody(
    int? Page, int? PageSize, string? SearchTerm, string? DefinitionId, IReadOnlyList<string>? DefinitionIds, string? CorrelationId, int? Version, bool? HasIncidents,
    string? Status, IReadOnlyList<string>? Statuses, string? SubStatus, IReadOnlyList<string>? SubStatuses, string? OrderBy, string? OrderDirection)
{
    public InstanceFilter Read()
    {
        var take = Math.Clamp(PageSize ?? 100, 1, Cursor.MaxLimit);
        IReadOnlyList<string> journeys = [.. DefinitionIds ?? [], .. DefinitionId is { Length: > 0 } ? [DefinitionId] : Array.Empty<string>()];
        return new InstanceFilter
        {
            DefinitionIds = journeys.Count == 0 ? null : journeys,
            Version = Version,
            Statuses = States(),
            UserId = CorrelationId,
            Search = SearchTerm,
            ByLastMove = OrderBy is not null && !OrderBy.Equals("Created", StringComparison.OrdinalIgnoreCase),
            Ascending = string.Equals(OrderDirection, "Ascending", StringComparison.OrdinalIgnoreCase),
            Skip = (int)Math.Min((long)Math.Max(Page ?? 0, 0) * take, InstanceSearch.MostCounted),
            Take = take,
        };
    }

    /// <summary>The states that every one of the conditions allows; null where none is given.</summary>
    private HashSet<InstanceStatus>? States()
    {
        HashSet<InstanceStatus>? allowed = null;
        foreach (var words in new[] { Words(Status, Statuses), Words(SubStatus, SubStatuses) }.Where(words => words.Count > 0))
        {
            var meant = words.SelectMany(InstanceWords.Named).ToHashSet();
            allowed = allowed is null ? meant : [.. allowed.Intersect(meant)];
        }
        if (HasIncidents is { } wanted)
        {
            var meant = Enum.GetValues<InstanceStatus>().Where(status => status == InstanceStatus.Faulted == wanted);
            allowed = allowed is null ? [.. meant] : [.. allowed.Intersect(meant)];
        }
        return allowed;
    }

    private static List<string> Words(string? one, IReadOnlyList<string>? many) => [.. many ?? [], .. string.IsNullOrEmpty(one) ? [] : new[] { one }];
}
