using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>A row of the inbox, claimed.</summary>
internal sealed record InboxRow(long Id, int AccountId, int Shard, InboxKind Kind, Guid Key, string? UserId, long AcceptedAt, string Body)
{
    private IReadOnlyDictionary<string, object?>? _values;

    public Contact? Contact { get; set; }

    public IReadOnlyDictionary<string, object?> Values => _values ??= JsonData.ParseMap(Body);

    /// <summary>The instance that a command is about; null for the other kinds.</summary>
    public Guid? InstanceId => Kind is InboxKind.JobResult or InboxKind.Retry or InboxKind.Skip or InboxKind.Cancel or InboxKind.Move ? Guid.Parse((string)Values["instance"]!) : null;

    /// <summary>Whether it concerns a journey and no contact.</summary>
    public bool IsOfJourney => Kind is InboxKind.ResumeJourney or InboxKind.ForWaiting;

    /// <summary>Whether the contact's other running instances are concerned as well.</summary>
    public bool ConcernsContact => Kind is InboxKind.Event or InboxKind.ContactChanged or InboxKind.StartInstance;

    public const string Columns = "id, account_id, shard, kind, key, user_id, accepted_at, body";

    public static InboxRow Read(Row row) =>
        new(row.Long(0), row.Int(1), row.Int(2), (InboxKind)row.Int(3), row.Uuid(4), row.TextOrNull(5), row.Long(6), row.Text(7));
}

/// <summary>
/// One thing that happens to one contact. They run in the order of (instant, timers before the inbox, sequence), so
/// that after an outage a time-out that fell due before an event was accepted goes first.
/// </summary>
internal sealed record Stimulus(long At, long Sequence, Contact Contact, InboxRow? Row, Instance? Instance, Token? Token);

/// <summary>An event as it stands in the inbox.</summary>
internal sealed class IncomingEventBody
{
    /// <summary>Members of the envelope, which a payload's members of the same names do not hide.</summary>
    private static readonly string[] Envelope = ["event_id", "event_type", "timestamp", "metadata"];

    public IncomingEventBody(InboxRow row)
    {
        using var document = JsonDocument.Parse(row.Body, JsonData.Reading);
        var root = document.RootElement;
        EventId = root.GetProperty("event_id").GetString()!;
        EventType = root.GetProperty("event_type").GetString()!;
        OccurredAt = root.GetProperty("timestamp").GetInt64();
        var payload = root.GetProperty("payload");
        Payload = payload.GetRawText();
        var values = new Dictionary<string, object?>();
        foreach (var member in payload.EnumerateObject())
        {
            if (member.Name == "contact") ContactFields = JsonData.FromElement(member.Value) as IReadOnlyDictionary<string, object?>;
            else values[member.Name] = JsonData.FromElement(member.Value);
        }
        foreach (var name in Envelope)
            if (root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null) values[name] = JsonData.FromElement(value);
        Values = values;
    }

    public string EventId { get; }

    public string EventType { get; }

    public long OccurredAt { get; }

    public string Payload { get; }

    /// <summary>What expressions see as <c>event</c>.</summary>
    public IReadOnlyDictionary<string, object?> Values { get; }

    /// <summary>The contact's fields that the event brings.</summary>
    public IReadOnlyDictionary<string, object?>? ContactFields { get; }
}
