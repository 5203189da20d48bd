using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>Rows of the inbox that fail even alone, laid aside with their errors: they stop nothing, and nothing is lost.</summary>
internal static class DeadLetterStore
{
    /// <summary>Moves a row here; false when it is no longer in the inbox.</summary>
    public static async Task<bool> BuryAsync(Session session, int shard, InboxRow row, string error, long now, CancellationToken ct)
    {
        if (await session.ExecuteAsync("DELETE FROM inbox WHERE id = @id", ct, ("id", row.Id)) == 0) return false;
        await session.ExecuteAsync("""
            INSERT INTO dead_letter (id, account_id, shard, kind, key, user_id, body, error, at) VALUES (@id, @account, @shard, @kind, @key, @user, @body, @error, @now)
            """,
            ct, ("id", Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(now))), ("account", row.AccountId), ("shard", shard), ("kind", (int)row.Kind),
            ("key", row.Key), ("user", row.UserId), ("body", row.Body), ("error", error), ("now", now));
        return true;
    }

    /// <summary>What was asked for, in plain words. The body may be what is broken.</summary>
    public static string Words(InboxKind kind, string body) => kind switch
    {
        InboxKind.Event => Member(body, "event_type") is { } type ? $"the event “{type}” ({Member(body, "event_id")})" : "an event",
        InboxKind.ContactChanged => "a change of the contact",
        InboxKind.StartInstance => $"the start of the journey “{Member(body, "definition_id")}”",
        InboxKind.JobResult => $"the result of a job of the trip {Member(body, "instance")}",
        InboxKind.Retry => $"the retry of the trip {Member(body, "instance")}",
        InboxKind.Skip => $"the skip of the trip {Member(body, "instance")}",
        InboxKind.Cancel => $"the end of the trip {Member(body, "instance")}",
        InboxKind.Move => $"the move of the trip {Member(body, "instance")}",
        InboxKind.ResumeJourney => "the resumption of a journey",
        _ => "a command to all that wait in a journey",
    };

    private static string? Member(string body, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
