using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys.Simulation;

/// <summary>A simulation's request, checked: every error names the field.</summary>
internal sealed class Script
{
    public const int MostContacts = 1_000;
    private const int MostEvents = 1_000;
    private static readonly TimeSpan LongestUntil = TimeSpan.FromDays(5 * 365), DefaultUntil = TimeSpan.FromDays(400);
    private static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), Latest = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public required DateTimeOffset Start { get; init; }

    public required DateTimeOffset End { get; init; }

    public required int Contacts { get; init; }

    /// <summary>A contact of the account; null where one is made up.</summary>
    public required string? UserId { get; init; }

    public required IReadOnlyDictionary<string, object?> ContactFields { get; init; }

    public required IReadOnlyDictionary<string, object?>? Input { get; init; }

    public required IReadOnlyDictionary<string, string> Outcomes { get; init; }

    /// <summary>In the order in which they happen.</summary>
    public required IReadOnlyList<ScriptItem> Items { get; init; }

    public static Script Read(SimulationRequest request, DateTimeOffset now)
    {
        var start = request.Start ?? now;
        if (start < Earliest || start > Latest) throw new InvalidInputException("start", "must be from the year 2000 to 2200");
        var until = Duration(request.Until, "until", DefaultUntil);
        if (until <= TimeSpan.Zero || until > LongestUntil) throw new InvalidInputException("until", $"must be longer than nothing and at most {DurationText.Format(LongestUntil)}, five years");
        var contacts = request.Contacts ?? 1;
        if (contacts is < 1 or > MostContacts) throw new InvalidInputException("contacts", $"must be 1 to {MostContacts}");
        if (request.UserId is { } user) ContactFieldsCheck.UserId(user, "user_id");
        var fields = request.Contact ?? JsonData.Empty;
        ContactFieldsCheck.Check(fields, "contact");
        CheckContactIn(request.Input, "input");
        var events = request.Events ?? [];
        if (events.Count > MostEvents) throw new InvalidInputException("events", $"are {events.Count}; at most {MostEvents}");
        return new Script
        {
            Start = start,
            End = start + until,
            Contacts = contacts,
            UserId = request.UserId,
            ContactFields = fields,
            Input = request.Input,
            Outcomes = request.Outcomes ?? new Dictionary<string, string>(),
            Items = [.. events.Select((scripted, index) => Item(scripted, start, $"events[{index}]")).OrderBy(item => item.At)],
        };
    }

    private static ScriptItem Item(ScriptedEvent scripted, DateTimeOffset start, string path)
    {
        if (scripted is null) throw new InvalidInputException(path, "is missing");
        var at = start + Duration(scripted.After, $"{path}.after", TimeSpan.Zero);
        var share = scripted.Share ?? 1;
        if (share is not (> 0 and <= 1)) throw new InvalidInputException($"{path}.share", "must be above 0 and at most 1");
        if (new object?[] { scripted.EventType, scripted.Opened, scripted.Clicked, scripted.Contact }.Count(given => given is not null) != 1)
            throw new InvalidInputException(path, "needs one of event_type, opened, clicked and contact");
        if (scripted.Payload is not null && scripted.EventType is null) throw new InvalidInputException($"{path}.payload", "goes with an event_type");
        // By the rule of intake, but for what MailFlow raises itself: here the script says when.
        if (scripted.EventType is { } type && EventTypeName.Problem(type) is { } problem) throw new InvalidInputException($"{path}.event_type", problem);
        CheckContactIn(scripted.Payload, $"{path}.payload");
        if (scripted.Contact is not null) ContactFieldsCheck.Check(scripted.Contact, $"{path}.contact");
        return scripted switch
        {
            { Contact: { } fields } => new ScriptItem(at, null, JsonData.Empty, fields, share),
            { Opened: { } template } => new ScriptItem(at, EmailEvents.Opened, About(template), null, share, template),
            { Clicked: { } template } => new ScriptItem(at, EmailEvents.Clicked, About(template), null, share, template),
            _ => new ScriptItem(at, scripted.EventType, scripted.Payload ?? JsonData.Empty, null, share),
        };
    }

    private static Dictionary<string, object?> About(string template) => new() { ["template"] = template };

    private static TimeSpan Duration(string? text, string field, TimeSpan otherwise) =>
        text is null ? otherwise
        : DurationText.TryParse(text, out var span) ? span
        : throw new InvalidInputException(field, $"'{text}' is not a duration, such as P2D or PT30M");

    /// <summary>An event's <c>contact</c> changes the contact: intake would refuse what is wrong in it.</summary>
    private static void CheckContactIn(IReadOnlyDictionary<string, object?>? payload, string path)
    {
        if (payload?.GetValueOrDefault("contact") is not { } contact) return;
        if (contact is not IReadOnlyDictionary<string, object?> fields) throw new InvalidInputException($"{path}.contact", "must be an object");
        ContactFieldsCheck.Check(fields, $"{path}.contact");
    }
}

/// <summary>One thing that happens: an event of a type, or a change of the contact's fields. With a template, it is done to the mail made from it.</summary>
internal sealed record ScriptItem(DateTimeOffset At, string? EventType, IReadOnlyDictionary<string, object?> Payload, IReadOnlyDictionary<string, object?>? Contact, double Share, string? Template = null);
