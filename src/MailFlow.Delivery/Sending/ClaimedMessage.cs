using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Sending;

/// <summary>A due message as the sender read it, its row locked until the hand-over commits.</summary>
internal sealed record ClaimedMessage : MessageOrder
{
    public const string Columns = """
        m.id, m.account_id, m.contact_id, m.user_id, m.journey_id, m.version_id, m.instance_id, m.template, m.template_version, m.subject,
        m.stream, m.purpose, m.state, m.attempt, m.provider, m.reason, m.expires_at, m.retry_until, m.snapshot, m.cancel_reason, m.priority, m.due_at, m.to_address, m.updated_at
        """;

    public required MessageState State { get; init; }
    public required int Attempt { get; init; }
    public string? Provider { get; init; }
    public string? Reason { get; init; }
    public long? RetryUntil { get; init; }

    /// <summary>When its state last changed: of one that was put off, when it was answered so.</summary>
    public long UpdatedAt { get; init; }

    /// <summary>Since when it could have been taken up.</summary>
    public long DueAt { get; init; }

    /// <summary>Where it was handed over to last; null until then.</summary>
    public string? ToAddress { get; init; }

    public required Snapshot Snapshot { get; init; }

    /// <summary>Whether the provider is asked what it knows of the mail before it is given it again. Another than had it knows nothing.</summary>
    public bool IsAskedAt(Route? route) => State == MessageState.Unknown && route?.Key == Provider && route?.Provider.Replay == ReplayPolicy.Searchable;

    /// <summary>Why it is not tried again: its instance ended while it was under way.</summary>
    public string? CancelReason { get; init; }

    public static ClaimedMessage Read(Row row) => new()
    {
        Id = row.Uuid(0),
        AccountId = row.Int(1),
        ContactId = row.Long(2),
        UserId = row.Text(3),
        JourneyId = row.IntOrNull(4),
        VersionId = row.LongOrNull(5),
        InstanceId = row.UuidOrNull(6),
        Template = row.Text(7),
        TemplateVersion = row.Int(8),
        Subject = row.TextOrNull(9),
        Stream = (MessageStream)row.Int(10),
        Purpose = row.TextOrNull(11),
        State = (MessageState)row.Int(12),
        Attempt = row.Int(13),
        Provider = row.TextOrNull(14),
        Reason = row.TextOrNull(15),
        ExpiresAt = row.LongOrNull(16),
        RetryUntil = row.LongOrNull(17),
        Snapshot = Snapshot.Read(row.Text(18)),
        CancelReason = row.TextOrNull(19),
        Priority = (MessagePriority)row.Int(20),
        DueAt = row.Long(21),
        ToAddress = row.TextOrNull(22),
        UpdatedAt = row.Long(23),
    };
}

/// <summary>What of the step goes into the template, as it was when the mail was queued.</summary>
/// <param name="Event">The event that last moved the instance.</param>
/// <param name="Trigger">The event that started it.</param>
/// <param name="Journey">The journey.</param>
/// <param name="Confirm">The purpose that the mail asks to agree to; null for none.</param>
internal sealed record Snapshot(
    IReadOnlyDictionary<string, object?> Event, IReadOnlyDictionary<string, object?> Trigger, IReadOnlyDictionary<string, object?> Journey, string? Confirm = null)
{
    public string? DefinitionId => Journey.GetValueOrDefault("id") as string;

    public static Snapshot Read(string json)
    {
        var members = JsonData.ParseMap(json);
        var trigger = Map("trigger");
        return new Snapshot(members.ContainsKey("event") ? Map("event") : trigger, trigger, Map("journey"), members.GetValueOrDefault("confirm") as string);

        IReadOnlyDictionary<string, object?> Map(string name) => members.GetValueOrDefault(name) as IReadOnlyDictionary<string, object?> ?? JsonData.Empty;
    }

    public static string Write(Step step, string? confirm = null)
    {
        var members = new Dictionary<string, object?>
        {
            ["journey"] = new Dictionary<string, object?> { ["id"] = step.Journey.DefinitionId, ["name"] = step.Journey.Name, ["version"] = step.Journey.Version },
            ["trigger"] = step.Trigger,
        };
        // Most mail goes out on the event that started the instance: kept once.
        if (!ReferenceEquals(step.Event, step.Trigger)) members["event"] = step.Event;
        if (confirm is not null) members["confirm"] = confirm;
        return JsonData.Write(members);
    }
}
