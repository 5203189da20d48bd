namespace MailFlow.Engine.Definitions;

/// <summary>A sound connection of one flowchart: its ends are places in it.</summary>
internal readonly record struct FlowConnection(int Source, string Port, int Target);

/// <summary>Resolves the connections of one flowchart and reports those that lead nowhere.</summary>
/// <param name="findings">Where to report.</param>
/// <param name="flowchart">The flowchart.</param>
/// <param name="indexes">All activities of the definition by id.</param>
/// <param name="places">The flowchart's own, from index to place.</param>
internal sealed class ConnectionReader(
    Findings findings, ActivityElement flowchart, IReadOnlyDictionary<string, int> indexes, IReadOnlyDictionary<int, int> places)
{
    public IReadOnlyList<FlowConnection> Read()
    {
        var seen = new HashSet<FlowConnection>();
        var read = new List<FlowConnection>(flowchart.Connections.Count);
        foreach (var connection in flowchart.Connections)
        {
            if (Place(connection.Source) is not { } source || Place(connection.Target) is not { } target)
            {
                Dangling(connection);
                continue;
            }
            var sound = new FlowConnection(source, connection.Port, target);
            if (seen.Add(sound)) read.Add(sound);
            else findings.Warning(flowchart.Activities[source], "repeated_connection", $"“{flowchart.Activities[source].Title}” is connected twice to “{flowchart.Activities[target].Title}” by {sound.Port}; once is meant.");
        }
        return read;
    }

    private int? Place(string? id) =>
        id is not null && indexes.TryGetValue(id, out var index) && places.TryGetValue(index, out var place) ? place : null;

    private void Dangling(ConnectionElement connection)
    {
        var source = Place(connection.Source) is { } place ? flowchart.Activities[place] : null;
        var missing = source is null ? connection.Source : connection.Target;
        var problem = missing is null ? "has no end"
            : indexes.ContainsKey(missing) ? $"leads to '{missing}', which is in another flowchart"
            : $"names the activity '{missing}', which does not exist";
        findings.Error(source, "dangling_connection", $"A connection {(source is null ? "" : $"from “{source.Title}” ")}{problem}.");
    }
}
