using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Journeys;

/// <summary>One line of a row of table <c>history</c>: <c>[node, event, outcome, text]</c>, missing tails left off.</summary>
internal sealed record HistoryLine(int Node, HistoryEvent Event, string? Outcome, string? Text)
{
    public static IReadOnlyList<HistoryLine> ReadAll(string steps)
    {
        using var document = JsonDocument.Parse(steps);
        return [.. document.RootElement.EnumerateArray().Select(Read)];
    }

    private static HistoryLine Read(JsonElement line)
    {
        var parts = (IReadOnlyList<object?>)JsonData.FromElement(line)!;
        return new HistoryLine((int)(long)parts[0]!, (HistoryEvent)((string)parts[1]!)[0], parts.Count > 2 ? parts[2] as string : null, parts.Count > 3 ? parts[3] as string : null);
    }

    /// <summary>What happened, as a sentence of its own.</summary>
    public string Sentence(string journey) => Event switch
    {
        HistoryEvent.Entered => $"entered {journey}{After(" ", Text)}",
        HistoryEvent.NotEntered => Text ?? "not entered",
        HistoryEvent.Completed => Text ?? (Outcome is null or "Done" ? "done" : $"went {Outcome}"),
        HistoryEvent.Suspended => Text ?? "waits",
        HistoryEvent.Faulted => $"failed{After(": ", Text)}",
        HistoryEvent.Retried => $"run again by an operator{After("; it had failed: ", Text)}",
        HistoryEvent.Finished => $"came to the end of {journey}{After(": ", Text)}",
        HistoryEvent.Exited => $"left {journey} early{After(": ", Text)}",
        HistoryEvent.Cancelled => $"taken out of {journey}{After(": ", Text)}",
        HistoryEvent.Moved or HistoryEvent.Stayed => Text ?? "moved",
        HistoryEvent.LaidAside => Text ?? "laid aside",
        _ => Text ?? Event.ToString(),
    };

    private static string After(string before, string? text) => text is null ? "" : before + text;
}
