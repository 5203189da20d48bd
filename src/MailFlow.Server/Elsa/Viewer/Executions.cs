using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>One run of an activity on a trip: from the contact's coming to it until it was left.</summary>
/// <param name="Id"><c>{instance}_{activity}_{number}</c>.</param>
/// <param name="Activity">The activity, as Studio is shown it.</param>
/// <param name="StartedAt">When the contact came.</param>
internal sealed record Execution(string Id, ShownActivity Activity, DateTimeOffset StartedAt)
{
    /// <summary>When it was left.</summary>
    public DateTimeOffset? CompletedAt { get; set; }

    /// <summary>The exit port taken.</summary>
    public string? Outcome { get; set; }

    /// <summary>The last words on it.</summary>
    public string? Text { get; set; }

    /// <summary>What went wrong, where it stands failed.</summary>
    public string? Error { get; set; }

    /// <summary>How often it failed.</summary>
    public int Faults { get; set; }

    /// <summary>Where the contact is at it now.</summary>
    public TokenSnapshot? Token { get; set; }

    /// <summary>Elsa's word for how it stands.</summary>
    public string Status(bool instanceHasEnded) => CompletedAt is not null ? "Completed" : Error is not null ? "Faulted" : instanceHasEnded ? "Canceled" : "Running";
}

/// <summary>An activity as it stands in a definition shown to Studio.</summary>
internal sealed record ShownActivity(string Id, string NodeId, string Type, int Version, string? Name);

/// <summary>A trip's history told as runs of activities.</summary>
internal static class Executions
{
    /// <summary>The runs, in the order in which they began.</summary>
    public static IReadOnlyList<Execution> Of(InstanceTrip trip, IReadOnlyDictionary<string, ShownActivity> activities)
    {
        var all = new List<Execution>();
        var open = new Dictionary<string, Execution>(StringComparer.Ordinal);
        foreach (var step in trip.Steps)
        {
            if (step.ActivityId is not { } id || !activities.TryGetValue(id, out var activity)) continue;
            if (!open.TryGetValue(id, out var run))
            {
                run = open[id] = new Execution($"{trip.Instance.Id}_{id}_{all.Count}", activity, step.At);
                all.Add(run);
            }
            Apply(run, step);
            if (run.CompletedAt is not null) open.Remove(id);
        }
        foreach (var place in trip.Places)
        {
            if (!open.TryGetValue(place.ActivityId, out var run))
            {
                if (!activities.TryGetValue(place.ActivityId, out var activity)) continue;
                run = open[place.ActivityId] = new Execution($"{trip.Instance.Id}_{place.ActivityId}_{all.Count}", activity, place.Token.Since);
                all.Add(run);
            }
            run.Token = place.Token;
            if (place.Token.State == TokenState.Faulted) run.Error ??= place.Token.Error ?? "failed";
        }
        return all;
    }

    private static void Apply(Execution run, TripStep step)
    {
        run.Text = step.Text ?? run.Text;
        switch (step.Event)
        {
            case HistoryEvent.Completed:
                (run.CompletedAt, run.Outcome, run.Error) = (step.At, step.Outcome ?? "Done", null);
                break;
            case HistoryEvent.Faulted:
                (run.Error, run.Faults) = (step.Text ?? "failed", run.Faults + 1);
                break;
            case HistoryEvent.Retried:
                run.Error = null;
                break;
        }
    }
}
