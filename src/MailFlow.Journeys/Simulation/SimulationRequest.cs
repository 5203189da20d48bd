namespace MailFlow.Journeys.Simulation;

/// <summary>What to simulate.</summary>
public sealed record SimulationRequest
{
    /// <summary>The version; null for the latest, published or not.</summary>
    public int? Version { get; init; }

    /// <summary>A contact of the account, whose fields, consents, suppressions and events are copied; null makes one up.</summary>
    public string? UserId { get; init; }

    /// <summary>The fields of the contact that is made up, or what is to be different about the one named: email, time_zone, attributes, tags, consents …</summary>
    public IReadOnlyDictionary<string, object?>? Contact { get; init; }

    /// <summary>The payload of the event that starts the journey, or the input where no event starts it.</summary>
    public IReadOnlyDictionary<string, object?>? Input { get; init; }

    /// <summary>What happens on the way, at most 1,000.</summary>
    public IReadOnlyList<ScriptedEvent>? Events { get; init; }

    /// <summary>When the clock starts, from the year 2000 to 2200; null for now.</summary>
    public DateTimeOffset? Start { get; init; }

    /// <summary>How long to simulate, such as P90D; at most five years (P1825D), 400 days if not said. It ends sooner where nothing is left to happen.</summary>
    public string? Until { get; init; }

    /// <summary>How many contacts, 1 to 1,000. The further ones are like the first but for id and address, and have no events behind them. 1 if not said.</summary>
    public int? Contacts { get; init; }

    /// <summary>By activity id: the outcome that work outside comes to, such as a webhook, which is not really called. The activity's first outcome if not said.</summary>
    public IReadOnlyDictionary<string, string>? Outcomes { get; init; }
}

/// <summary>Something that happens during a simulation: an event, or a change of the contact.</summary>
public sealed record ScriptedEvent
{
    /// <summary>How long after the start, such as P2D or PT30M.</summary>
    public string? After { get; init; }

    /// <summary>An event of this type comes.</summary>
    public string? EventType { get; init; }

    /// <summary>What the event carries.</summary>
    public IReadOnlyDictionary<string, object?>? Payload { get; init; }

    /// <summary>In place of an event type: the mail made from this template is opened.</summary>
    public string? Opened { get; init; }

    /// <summary>In place of an event type: a link is clicked in the mail made from this template.</summary>
    public string? Clicked { get; init; }

    /// <summary>In place of an event: these fields of the contact change.</summary>
    public IReadOnlyDictionary<string, object?>? Contact { get; init; }

    /// <summary>Of many contacts, the share to which it happens, above 0 and up to 1. It always happens to the first.</summary>
    public double? Share { get; init; }
}
