namespace MailFlow.Engine.Storage;

/// <summary>A table that PostgreSQL keeps in partitions by month (UTC); SQLite has it in one.</summary>
/// <param name="Name">The table.</param>
/// <param name="Instant">The column it is divided by, Unix milliseconds.</param>
/// <param name="Released">What goes before a month is dropped: SQL that knows <c>@before</c>, and <c>{rows}</c>, some of the month's rows. Null for nothing.</param>
public sealed record MonthlyTable(string Name, string Instant, string? Released = null)
{
    /// <summary>Stands in a <see cref="RetentionRule"/>'s statements for the table: on PostgreSQL, for one of its partitions.</summary>
    public const string Part = "{part}";

    /// <summary>What journeys decided. A trip goes with its last line: what it remembered is of no use without.</summary>
    internal static MonthlyTable History { get; } = new("history", "at",
        "DELETE FROM instance WHERE status IN (1, 2, 4) AND updated_at < @before AND id IN (SELECT instance_id FROM {rows})");

    /// <summary>The contacts' events.</summary>
    internal static MonthlyTable Events { get; } = new("event", "accepted_at");

    internal static IReadOnlyList<MonthlyTable> All { get; } = [History, Events];
}
