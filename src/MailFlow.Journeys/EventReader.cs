using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>What is wrong with an event.</summary>
/// <param name="Field">Where, as the sender wrote it: <c>payload.contact.email</c>.</param>
/// <param name="Reason">What, to follow the field's name.</param>
/// <param name="IsTooLarge">Whether it is the size alone.</param>
public sealed record EventProblem(string Field, string Reason, bool IsTooLarge = false)
{
    /// <summary>Both in a line.</summary>
    public override string ToString() => $"{Field}: {Reason}";

    /// <summary>The problem in such a line.</summary>
    public static EventProblem Of(string line) => line.Split(": ", 2) is [var field, var reason] ? new(field, reason) : new("event", line);
}

/// <summary>
/// Checks the form of an event and takes it apart, whatever road it came by. A good event raises no exception and is walked once: thousands of them
/// come in a second.
/// </summary>
public static class EventReader
{
    /// <summary>The most bytes an event may have.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>The most characters of an event's id and of its type.</summary>
    public const int LongestId = 200, LongestType = EventTypeName.Longest;

    private const int LongestPlainNumber = 300, LongestShown = 100;
    private static readonly string[] Members = ["event_id", "event_type", "user_id", "timestamp", "payload", "metadata"];
    private static readonly TimeSpan Ahead = TimeSpan.FromHours(24);

    /// <summary>Gives the event that a broker's message holds, or null with what is wrong with it.</summary>
    /// <param name="json">The message as it came.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="sentAt">When it was sent, where that is known: the timestamp of an event that has none. A message read again later is still as old as it is.</param>
    /// <param name="problem">What is wrong.</param>
    public static IncomingEvent? Read(ReadOnlyMemory<byte> json, DateTimeOffset now, DateTimeOffset? sentAt, out EventProblem? problem)
    {
        if (json.Length > MaxBytes) return RefuseTooLarge(out problem);
        if (json.IsEmpty) return Refuse("event", "is empty", out problem);
        if (!Utf8.IsValid(json.Span)) return Refuse("event", "is not valid UTF-8", out problem);
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(document.RootElement, now, sentAt ?? now, out problem);
        }
        catch (JsonException error)
        {
            return Refuse("event", $"is not valid JSON: line {error.LineNumber + 1}, position {error.BytePositionInLine + 1}", out problem);
        }
    }

    /// <summary>Gives the event, or null with what is wrong with it.</summary>
    /// <param name="element">The event as it came.</param>
    /// <param name="now">The instant it came: the timestamp of an event that has none.</param>
    /// <param name="problem">What is wrong.</param>
    public static IncomingEvent? Read(JsonElement element, DateTimeOffset now, out EventProblem? problem) => Read(element, now, now, out problem);

    private static IncomingEvent? Read(JsonElement element, DateTimeOffset now, DateTimeOffset sentAt, out EventProblem? problem)
    {
        problem = null;
        if (element.ValueKind != JsonValueKind.Object) return Refuse("event", "must be a JSON object", out problem);
        var raw = JsonMarshal.GetRawUtf8Value(element);
        if (raw.Length > MaxBytes) return RefuseTooLarge(out problem);
        if (ForbiddenText.IsSuspect(raw) && ForbiddenText.Find(element, "") is { } field)
            return Refuse(field.Length > 0 ? field : "event", ForbiddenText.Problem, out problem);

        JsonElement id = default, type = default, user = default, timestamp = default, payload = default, metadata = default;
        foreach (var member in element.EnumerateObject())
        {
            if (member.NameEquals("event_id"u8)) id = member.Value;
            else if (member.NameEquals("event_type"u8)) type = member.Value;
            else if (member.NameEquals("user_id"u8)) user = member.Value;
            else if (member.NameEquals("timestamp"u8)) timestamp = member.Value;
            else if (member.NameEquals("payload"u8)) payload = member.Value;
            else if (member.NameEquals("metadata"u8)) metadata = member.Value;
            else return RefuseUnknown(member.Name, out problem);
        }

        if (Text(id, "event_id", LongestId, out problem) is not { } eventId) return null;
        if (Text(type, "event_type", LongestType, out problem) is not { } eventType) return null;
        if (EventTypeName.Problem(eventType) is { } typeProblem) return Refuse("event_type", typeProblem, out problem);
        if (EmailEvents.IsReserved(eventType)) return Refuse("event_type", $"'{eventType}' is raised by MailFlow itself, when it learns what became of a mail; choose another name", out problem);
        if (Text(user, "user_id", ContactFieldsCheck.LongestUserId, out problem) is not { } userId) return null;
        if (Instant(timestamp, now, sentAt, out problem) is not { } occurredAt) return null;
        if (ObjectText(payload, "payload", out problem) is not { } payloadText) return null;
        if (ObjectText(metadata, "metadata", out problem) is not { } metadataText) return null;
        if (payload.ValueKind == JsonValueKind.Object && payload.TryGetProperty("contact"u8, out var contact) && !ContactIsGood(contact, out problem)) return null;
        return new IncomingEvent(eventId, eventType, userId, occurredAt, payloadText, metadata.ValueKind == JsonValueKind.Object ? metadataText : null);
    }

    /// <summary>The <c>event_id</c> of an event that was refused, if one can be read.</summary>
    public static string? IdOf(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty("event_id"u8, out var id) && id.ValueKind == JsonValueKind.String
            && ForbiddenText.Find(id, "") is null && id.GetString() is { Length: <= LongestId } text ? text : null;

    private static IncomingEvent? Refuse(string field, string reason, out EventProblem problem)
    {
        problem = new(field, reason);
        return null;
    }

    private static IncomingEvent? RefuseTooLarge(out EventProblem? problem)
    {
        problem = new("event", $"is larger than {MaxBytes / 1024} kB", IsTooLarge: true);
        return null;
    }

    private static IncomingEvent? RefuseUnknown(string name, out EventProblem problem)
    {
        var hint = NearestName.Among(Members, name) is { } nearest ? $"did you mean '{nearest}'?" : "what you send beside it goes into 'payload'";
        return Refuse(name.Length <= LongestShown ? name : name[..LongestShown] + "…", $"is no member of an event, which has {string.Join(", ", Members)}; {hint}", out problem);
    }

    private static string? Text(JsonElement value, string field, int longest, out EventProblem? problem)
    {
        problem = null;
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) problem = new(field, "is missing");
        else if (value.ValueKind != JsonValueKind.String) problem = new(field, "must be text");
        else if (value.GetString() is var text && string.IsNullOrWhiteSpace(text)) problem = new(field, "is empty");
        else if (text.Length > longest) problem = new(field, $"is longer than {longest} characters");
        else return text;
        return null;
    }

    private static DateTimeOffset? Instant(JsonElement value, DateTimeOffset now, DateTimeOffset sentAt, out EventProblem? problem)
    {
        problem = null;
        var unixMs = sentAt.ToUnixTimeMilliseconds();
        var read = value.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => true,
            JsonValueKind.Number => value.TryGetInt64(out unixMs),
            JsonValueKind.String => TimestampText.TryParse(value.GetString(), out unixMs),
            _ => false,
        };
        if (!read) problem = new("timestamp", "must be milliseconds since 1970 (UTC), or text such as 2026-01-31T09:00:00Z");
        else if (unixMs < now.ToUnixTimeMilliseconds() - (long)EventIntake.Horizon.TotalMilliseconds) problem = new("timestamp", $"is too old: events are taken for {EventIntake.Horizon.Days} days{(IsInSeconds(value, now) ? "; it looks like seconds, and milliseconds are meant" : "")}");
        else if (unixMs > now.ToUnixTimeMilliseconds() + (long)Ahead.TotalMilliseconds) problem = new("timestamp", "lies more than 24 hours ahead");
        else return DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
        return null;
    }

    /// <summary>Whether a number would be an instant of these days if it were seconds.</summary>
    private static bool IsInSeconds(JsonElement value, DateTimeOffset now) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && Math.Abs(now.ToUnixTimeSeconds() - number) <= (long)EventIntake.Horizon.TotalSeconds;

    private static string? ObjectText(JsonElement value, string field, out EventProblem? problem)
    {
        problem = null;
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return "{}";
        if (value.ValueKind != JsonValueKind.Object) problem = new(field, "must be a JSON object");
        else if (HasUnboundedNumber(value)) problem = new(field, "holds a number beyond what can be kept");
        else return value.GetRawText();
        return null;
    }

    /// <summary>Whether it holds a number that is valid JSON and yet beyond a double, such as 1e999.</summary>
    private static bool HasUnboundedNumber(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Number:
                var raw = JsonMarshal.GetRawUtf8Value(element);
                return (raw.Length > LongestPlainNumber || raw.ContainsAny((byte)'e', (byte)'E')) && !double.IsFinite(element.GetDouble());
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                    if (HasUnboundedNumber(member.Value)) return true;
                return false;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    if (HasUnboundedNumber(item)) return true;
                return false;
            default:
                return false;
        }
    }

    private static bool ContactIsGood(JsonElement contact, out EventProblem? problem)
    {
        problem = null;
        if (contact.ValueKind == JsonValueKind.Null) return true;
        if (JsonData.FromElement(contact) is not IReadOnlyDictionary<string, object?> fields)
        {
            problem = new("payload.contact", "must be a JSON object");
            return false;
        }
        try
        {
            ContactFieldsCheck.Check(fields, "payload.contact");
            return true;
        }
        catch (InvalidInputException invalid)
        {
            problem = new(invalid.Field, invalid.Problem);
            return false;
        }
    }
}
