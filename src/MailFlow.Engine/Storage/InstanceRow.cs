using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>How an instance stands. The numbers are part of the data format.</summary>
public enum InstanceStatus
{
    /// <summary>Waits or runs.</summary>
    Running = 0,

    /// <summary>Came to its end.</summary>
    Completed = 1,

    /// <summary>Left early: an exit condition, an Exit activity.</summary>
    Exited = 2,

    /// <summary>Stands still with an incident until an operator retries, skips or cancels it.</summary>
    Faulted = 3,

    /// <summary>Ended by an operator.</summary>
    Cancelled = 4,
}

/// <summary>A row of table <c>instance</c>.</summary>
internal sealed record InstanceRow(
    Guid Id, int AccountId, int Shard, int JourneyId, long VersionId, long ContactId, InstanceStatus Status,
    long? DueAt, long? ParkedAt, int Ver, int Format, byte[] State)
{
    public const string Columns = "id, account_id, shard, journey_id, version_id, contact_id, status, due_at, parked_at, ver, format, state";

    public static InstanceRow Read(Row row) => new(
        row.Uuid(0), row.Int(1), row.Int(2), row.Int(3), row.Long(4), row.Long(5), (InstanceStatus)row.Int(6),
        row.LongOrNull(7), row.LongOrNull(8), row.Int(9), row.Int(10), row.Bytes(11));
}
