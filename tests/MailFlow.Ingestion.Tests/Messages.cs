using System.Text;
using System.Text.Json;

namespace MailFlow.Ingestion.Tests;

/// <summary>Events as an application writes them, and what is none.</summary>
internal static class Messages
{
    public static string Event(string id, string user = "ada") => JsonSerializer.Serialize(new { event_id = id, event_type = "tested", user_id = user });

    public static byte[] Bytes(string id, string user = "ada") => Encoding.UTF8.GetBytes(Event(id, user));

    /// <summary>Bodies that are no events, each with what is said of it.</summary>
    public static IReadOnlyList<(string Body, string Field, string Reason)> Poison { get; } =
    [
        ("hello", "event", "is not valid JSON: line 1, position 1"),
        ("""{"event_id":"p","event_type":"tested"}""", "user_id", "is missing"),
        ("[]", "event", "must be a JSON object"),
        ("""{"event_id":"p","event_type":"tested","user_id":"a\u0000"}""", "user_id", "holds a NUL character or half of a surrogate pair"),
        ("""{"event_id":"p","event_type":"tested","user_id":"u","timestamp":1000}""", "timestamp", "is too old: events are taken for 30 days"),
        ("""{"event_id":"p","event_type":"email_opened","user_id":"u"}""", "event_type", "'email_opened' is raised by MailFlow itself, when it learns what became of a mail; choose another name"),
    ];

    public static byte[] TooLarge { get; } = Encoding.UTF8.GetBytes(Event("large", new string('x', 400_000)));
}
