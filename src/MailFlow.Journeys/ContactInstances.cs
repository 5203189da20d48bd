using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>A contact's trip in a list.</summary>
/// <param name="Id">The instance.</param>
/// <param name="DefinitionId">The journey.</param>
/// <param name="JourneyName">Its name.</param>
/// <param name="Version">The version it is pinned to.</param>
/// <param name="Status">Elsa's: <c>Running</c> or <c>Finished</c>.</param>
/// <param name="SubStatus">Elsa's: <c>Suspended</c>, <c>Finished</c>, <c>Faulted</c> or <c>Cancelled</c>.</param>
/// <param name="Outcome">Ours: <c>waiting</c>, <c>completed</c>, <c>exited</c>, <c>faulted</c> or <c>cancelled</c>.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="UpdatedAt">When it last moved.</param>
/// <param name="DueAt">When it moves next by itself; null when only an event can move it.</param>
/// <param name="IsHeld">Whether its journey's pause holds it.</param>
public sealed record ContactInstance(
    Guid Id, string DefinitionId, string JourneyName, int Version, string Status, string SubStatus, string Outcome,
    DateTimeOffset StartedAt, DateTimeOffset UpdatedAt, DateTimeOffset? DueAt, bool IsHeld);

/// <summary>The trips of one contact.</summary>
public sealed class ContactInstances(Database database)
{
    /// <summary>A page of a contact's trips, the latest begun first. Found by the contact's history, which has a row of each: instances have an index of the running ones alone.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="contactId">The contact's dense key.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Page<ContactInstance>> ListAsync(int accountId, long contactId, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.Read(cursor) switch
        {
            null => Guid.AllBitsSet,
            var text => Guid.TryParse(text, out var id) ? id : throw new InvalidInputException("cursor", "is not a cursor that this list gave"),
        };
        var found = await database.ReadAsync(session => session.QueryAsync("""
            SELECT i.id, j.definition_id, j.name, v.version, i.status, i.updated_at, i.due_at, i.parked_at
            FROM (SELECT DISTINCT instance_id FROM history WHERE contact_id = @contact AND instance_id < @before) h
            JOIN instance i ON i.id = h.instance_id JOIN definition_version v ON v.id = i.version_id JOIN journey j ON j.id = i.journey_id
            WHERE i.account_id = @account ORDER BY i.id DESC LIMIT @limit
            """, Read, ct, ("contact", contactId), ("account", accountId), ("before", before), ("limit", limit + 1)), ct);
        return Cursor.Page(found, limit, last => last.Id.ToString());
    }

    private static ContactInstance Read(Row row)
    {
        var (id, status, parked) = (row.Uuid(0), (InstanceStatus)row.Int(4), row.InstantOrNull(7));
        return new(id, row.Text(1), row.Text(2), row.Int(3), status == InstanceStatus.Running ? "Running" : "Finished", Instances.SubStatus(status), Instances.Outcome(status),
            Instances.StartedAt(id), row.Instant(5), row.InstantOrNull(6) ?? parked, parked is not null);
    }
}
