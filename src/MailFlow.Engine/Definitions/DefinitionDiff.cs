using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Definitions;

/// <summary>
/// Tells the difference between two definitions as a marketer would: activities by their ids, inputs by their names on the form, connections by what they
/// lead from and to. Where things are drawn makes no difference.
/// </summary>
public sealed class DefinitionDiff(ActivityRegistry activities)
{
    /// <summary>Members of an activity that are none of its settings, unless it has an input of that name.</summary>
    private static readonly HashSet<string> NoSettings = new(StringComparer.OrdinalIgnoreCase)
    {
        "id", "nodeId", "name", "type", "version", "customProperties", "metadata", "activities", "connections", "variables", "start", "result",
    };

    /// <summary>Every difference: the journey's own first, then activity by activity in the newer one's order, then the activities that are gone, then connections.</summary>
    public IReadOnlyList<DefinitionChange> Compare(WorkflowDefinition from, WorkflowDefinition to)
    {
        var before = from.Root.Descendants().ToDictionary(activity => activity.Id);
        var after = to.Root.Descendants().ToDictionary(activity => activity.Id);
        var changes = new List<DefinitionChange>();
        AddJourney(changes, from, to);
        changes.AddRange(RuleChanges.Between(from.CustomProperties, to.CustomProperties));
        foreach (var activity in to.Root.Descendants())
            if (before.TryGetValue(activity.Id, out var old)) AddActivity(changes, old, activity);
            else changes.Add(Of(ChangeKind.Added, activity, null, null, null, $"“{activity.Title}” ({TypeName(activity)}) is new."));
        foreach (var activity in from.Root.Descendants().Where(activity => !after.ContainsKey(activity.Id)))
            changes.Add(Of(ChangeKind.Removed, activity, null, null, null, $"“{activity.Title}” ({TypeName(activity)}) is gone."));
        AddConnections(changes, from, to, before, after);
        return changes;
    }

    private static void AddJourney(List<DefinitionChange> changes, WorkflowDefinition from, WorkflowDefinition to)
    {
        if (from.Name != to.Name) changes.Add(new(ChangeKind.Renamed, null, null, null, "name", from.Name, to.Name, $"The journey is now called “{to.Name}” (was “{from.Name}”)."));
        if ((from.Description ?? "") != (to.Description ?? ""))
            changes.Add(new(ChangeKind.Changed, null, null, null, "description", from.Description, to.Description, "The journey's description is different."));
        var (was, now) = (from.Variables.Concat(from.Root.Variables).ToLookup(v => v.Name), to.Variables.Concat(to.Root.Variables).ToLookup(v => v.Name));
        foreach (var name in was.Select(group => group.Key).Union(now.Select(group => group.Key)))
        {
            var (old, current) = (Initial(was[name].FirstOrDefault()), Initial(now[name].FirstOrDefault()));
            if (old == current) continue;
            changes.Add(new(ChangeKind.Changed, null, null, null, "variables", old, current,
                old is null ? $"The variable '{name}' is new." : current is null ? $"The variable '{name}' is gone." : $"The variable '{name}' now begins as {current} (was {old})."));
        }

        static string? Initial(VariableElement? variable) => variable is null ? null : variable.Value is null ? $"an empty {variable.TypeName}" : $"{variable.TypeName} {variable.Value.ToJsonString(DefinitionJson.Compact)}";
    }

    private void AddActivity(List<DefinitionChange> changes, ActivityElement from, ActivityElement to)
    {
        if (from.Type != to.Type)
        {
            changes.Add(Of(ChangeKind.Changed, to, "type", TypeName(from), TypeName(to), $"“{to.Title}” is now {TypeName(to)} (was {TypeName(from)})."));
            return;
        }
        if (from.Title != to.Title) changes.Add(Of(ChangeKind.Renamed, to, null, from.Title, to.Title, $"“{from.Title}” is now called “{to.Title}”."));
        var descriptor = activities.Find(to.Type);
        foreach (var name in Settings(descriptor, from).Union(Settings(descriptor, to), StringComparer.OrdinalIgnoreCase))
        {
            var input = descriptor?.Input(name);
            var (before, after) = (ValueWords.Of(from.Json.Member(name), input), ValueWords.Of(to.Json.Member(name), input));
            if (before.Key != after.Key) AddSetting(changes, to, input?.Name ?? name, input?.DisplayName ?? name, before.Words, after.Words);
        }
        foreach (var name in Properties(from).Union(Properties(to)))
        {
            var (before, after) = (from.CustomProperty(name)?.ToJsonString(DefinitionJson.Compact), to.CustomProperty(name)?.ToJsonString(DefinitionJson.Compact));
            // Studio writes what is false as well as leaving it out.
            if ((before ?? "false") != (after ?? "false")) AddSetting(changes, to, name, name, before, after);
        }
    }

    private static void AddSetting(List<DefinitionChange> changes, ActivityElement activity, string name, string shown, string? before, string? after) =>
        changes.Add(Of(ChangeKind.Changed, activity, name, before, after, $"{shown} of “{activity.Title}” is now {after ?? "not set"} (was {before ?? "not set"})."));

    private static IEnumerable<string> Settings(ActivityDescriptor? descriptor, ActivityElement activity) =>
        activity.Json.Select(member => member.Key).Where(name => descriptor?.Input(name) is not null || (!NoSettings.Contains(name) && !DefinitionJson.IsMark(name)));

    private static IEnumerable<string> Properties(ActivityElement activity) =>
        (activity.Json.Member("customProperties") as JsonObject)?.Select(member => member.Key).Where(name => !DefinitionJson.IsMark(name)) ?? [];

    private static void AddConnections(
        List<DefinitionChange> changes, WorkflowDefinition from, WorkflowDefinition to, Dictionary<string, ActivityElement> before, Dictionary<string, ActivityElement> after)
    {
        var (was, now) = (Connections(from), Connections(to));
        foreach (var connection in now.Except(was))
            if (Ends(connection, after) is var (source, target))
                changes.Add(Of(ChangeKind.Connected, source, connection.Port, null, target.Title, $"“{source.Title}” now leads to “{target.Title}”{By(connection)}."));
        foreach (var connection in was.Except(now))
            // With its activity, a connection is gone as a matter of course.
            if (Ends(connection, before) is var (source, target) && after.TryGetValue(source.Id, out var left) && after.TryGetValue(target.Id, out var reached))
                changes.Add(Of(ChangeKind.Disconnected, left, connection.Port, reached.Title, null, $"“{left.Title}” no longer leads to “{reached.Title}”{By(connection)}."));

        static string By(ConnectionElement connection) => connection.Port == ConnectionElement.Done ? "" : $" by {connection.Port}";
    }

    private static (ActivityElement Source, ActivityElement Target)? Ends(ConnectionElement connection, Dictionary<string, ActivityElement> activities) =>
        activities.TryGetValue(connection.Source ?? "", out var source) && activities.TryGetValue(connection.Target ?? "", out var target) ? (source, target) : null;

    private static List<ConnectionElement> Connections(WorkflowDefinition definition) =>
        [.. definition.Root.Descendants().Where(activity => activity.IsFlowchart).Prepend(definition.Root).SelectMany(flowchart => flowchart.Connections)];

    private string TypeName(ActivityElement activity) => activities.Find(activity.Type)?.DisplayName ?? activity.Type;

    private static DefinitionChange Of(ChangeKind kind, ActivityElement activity, string? input, string? before, string? after, string text) =>
        new(kind, activity.Id, activity.Title, activity.Type, input, before, after, text);
}
