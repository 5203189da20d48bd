using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>Which instances are asked for; what is null does not matter.</summary>
public sealed record InstanceFilter
{
    /// <summary>Of these journeys.</summary>
    public IReadOnlyCollection<string>? DefinitionIds { get; init; }

    /// <summary>Pinned to this version.</summary>
    public int? Version { get; init; }

    /// <summary>In one of these states.</summary>
    public IReadOnlyCollection<InstanceStatus>? Statuses { get; init; }

    /// <summary>Of this contact, by the application's id.</summary>
    public string? UserId { get; init; }

    /// <summary>Part of the contact's id or address, or an instance's whole id.</summary>
    public string? Search { get; init; }

    /// <summary>By when it last moved, in place of when it began.</summary>
    public bool ByLastMove { get; init; }

    /// <summary>The oldest first.</summary>
    public bool Ascending { get; init; }

    /// <summary>How many to pass over.</summary>
    public int Skip { get; init; }

    /// <summary>How many to give.</summary>
    public int Take { get; init; } = 100;
}

/// <summary>An instance in a list.</summary>
/// <param name="Id">Its id.</param>
/// <param name="DefinitionId">The journey.</param>
/// <param name="Name">What people call the journey.</param>
/// <param name="VersionId">The own id of the version it is pinned to.</param>
/// <param name="Version">That version's number.</param>
/// <param name="UserId">The contact.</param>
/// <param name="Status">How it stands.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="UpdatedAt">When it last moved.</param>
public sealed record InstanceLine(
    Guid Id, string DefinitionId, string Name, long VersionId, int Version, string UserId, InstanceStatus Status, DateTimeOffset StartedAt, DateTimeOffset UpdatedAt);

/// <summary>Finds instances across an account's journeys.</summary>
public sealed class InstanceSearch
{
    /// <summary>Counting stops here: a list of ten million is not paged through, and counting them would take longer than anybody looks at them.</summary>
    public const int MostCounted = 10_000;

    internal const string Columns = "i.id, j.definition_id, j.name, v.id, v.version, c.user_id, i.status, i.updated_at";

    internal const string From = """
        FROM instance i JOIN journey j ON j.id = i.journey_id JOIN definition_version v ON v.id = i.version_id JOIN contact c ON c.id = i.contact_id
        """;

    private readonly Database _database;

    internal InstanceSearch(Database database) => _database = database;

    /// <summary>A page of those that match, the newest first, and how many match in all (<see cref="MostCounted"/> at the most).</summary>
    public Task<(IReadOnlyList<InstanceLine> Items, long Total)> FindAsync(int accountId, InstanceFilter filter, CancellationToken ct) => _database.ReadAsync(async session =>
    {
        var (where, parameters) = Conditions(accountId, filter);
        // An id begins with the time at which its instance began.
        var order = $"{(filter.ByLastMove ? "i.updated_at" : "i.id")} {(filter.Ascending ? "ASC" : "DESC")}";
        var items = await session.QueryAsync($"SELECT {Columns} {From} WHERE {where} ORDER BY {order} LIMIT @take OFFSET @skip", Read, ct,
            [.. parameters, ("take", filter.Take), ("skip", filter.Skip)]);
        var total = await session.ScalarAsync<long>($"SELECT count(*) FROM (SELECT 1 {From} WHERE {where} LIMIT {MostCounted}) AS matching", ct, [.. parameters]);
        return ((IReadOnlyList<InstanceLine>)items, total);
    }, ct);

    internal static InstanceLine Read(Row row)
    {
        var id = row.Uuid(0);
        var started = DateTimeOffset.FromUnixTimeMilliseconds(Convert.ToInt64(id.ToString("N")[..12], 16));
        return new InstanceLine(id, row.Text(1), row.Text(2), row.Long(3), row.Int(4), row.Text(5), (InstanceStatus)row.Int(6), started, row.Instant(7));
    }

    private static (string Where, List<(string, object?)> Parameters) Conditions(int accountId, InstanceFilter filter)
    {
        List<string> conditions = ["i.account_id = @account"];
        List<(string, object?)> parameters = [("account", accountId)];
        if (filter.DefinitionIds is { Count: > 0 } journeys) In("j.definition_id", "journey", journeys);
        if (filter.Version is { } version) Is("v.version = @version", "version", version);
        if (filter.Statuses is { } statuses)
        {
            conditions.Add(statuses.Count == 0 ? "1 = 0" : $"i.status IN ({string.Join(", ", statuses.Distinct().Select(status => (int)status))})");
        }
        if (filter.UserId is { Length: > 0 } user) Is("c.user_id = @user", "user", user);
        if (filter.Search?.Trim() is { Length: > 0 } search)
        {
            if (Guid.TryParse(search, out var id)) Is("i.id = @id", "id", id);
            else Is("""(c.user_id LIKE @search ESCAPE '\' OR c.email LIKE @search ESCAPE '\')""", "search", $"%{search.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}%");
        }
        return (string.Join(" AND ", conditions), parameters);

        void Is(string condition, string name, object value)
        {
            conditions.Add(condition);
            parameters.Add((name, value));
        }

        void In(string column, string name, IReadOnlyCollection<string> values)
        {
            conditions.Add($"{column} IN ({string.Join(", ", values.Select((_, index) => $"@{name}{index}"))})");
            parameters.AddRange(values.Select((value, index) => ($"{name}{index}", (object?)value)));
        }
    }
}
