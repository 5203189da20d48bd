using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>What happened to one instance (or to a contact that was not let in) in one batch.</summary>
internal sealed record HistoryRow(int AccountId, long ContactId, long VersionId, Guid? InstanceId, IReadOnlyList<HistoryStep> Steps)
{
    public static HistoryRow Of(Instance instance) =>
        new(instance.Version.AccountId, instance.Contact.Id, instance.Version.Info.VersionId, instance.Id, instance.History);

    /// <summary><c>[[node, event, outcome, text], …]</c>; missing tails are left off, because there are many of these.</summary>
    public string ToJson() => JsonData.Write(Steps.Select(step =>
    {
        var line = new List<object?> { (long)step.Node, ((char)step.Event).ToString() };
        if (step.Outcome is not null || step.Text is not null) line.Add(step.Outcome);
        if (step.Text is not null) line.Add(step.Text);
        return line;
    }));
}

/// <summary>The append-only history.</summary>
internal static class HistoryStore
{
    public static Task InsertAsync(Session session, IReadOnlyList<HistoryRow> rows, long now, CancellationToken ct) => session.EnqueueAsync("""
        INSERT INTO history (at, contact_id, version_id, instance_id, account_id, steps)
        SELECT @now, r.contact_id, r.version_id, r.instance_id, r.account_id, r.steps FROM {rows}
        """,
        new Rows<HistoryRow>(rows).Long("contact_id", h => h.ContactId).Long("version_id", h => h.VersionId).UuidOrNull("instance_id", h => h.InstanceId)
            .Int("account_id", h => h.AccountId).Text("steps", h => h.ToJson()), ct, ("now", now));

    /// <summary>How long the history is kept, and with it the trips that have ended.</summary>
    public static RetentionRule Kept(RetentionOptions options, Dialect dialect)
    {
        // SQLite has the lines in the order of their making; on PostgreSQL this is for the few that are in no month.
        var oldest = dialect.IsPostgreSql
            ? $"SELECT ctid FROM {MonthlyTable.Part} WHERE at < @before LIMIT @chunk"
            : $"SELECT rowid FROM (SELECT rowid, at FROM {MonthlyTable.Part} ORDER BY rowid LIMIT @chunk) WHERE at < @before";
        var row = dialect.IsPostgreSql ? "ctid" : "rowid";
        return new RetentionRule("history", RetentionOptions.Or(options.History),
            MonthlyTable.History.Released!.Replace("{rows}", $"{MonthlyTable.Part} WHERE {row} IN ({oldest})", StringComparison.Ordinal),
            $"DELETE FROM {MonthlyTable.Part} WHERE {row} IN ({oldest})")
        { Monthly = MonthlyTable.History };
    }
}
