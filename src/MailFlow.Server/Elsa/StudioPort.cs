using System.Text.Json.Nodes;

namespace MailFlow.Server.Elsa;

/// <summary>
/// An outcome as a port of Studio's canvas. The port by which connections come in is called <c>In</c>, and a second port of that name
/// leaves the whole canvas empty: the outcome of that name is shown under another.
/// </summary>
internal static class StudioPort
{
    private const string Inbound = "In", Shown = "IsIn";

    /// <summary>The port's name in Studio.</summary>
    public static string Of(string outcome) => outcome == Inbound ? Shown : outcome;

    /// <summary>Gives all connections of a flowchart the names of Studio's ports.</summary>
    public static void Show(JsonArray connections) => Rename(connections, Inbound, Shown);

    /// <summary>Gives all connections of a flowchart the names of outcomes.</summary>
    public static void Back(JsonArray connections) => Rename(connections, Shown, Inbound);

    private static void Rename(JsonArray connections, string from, string to)
    {
        foreach (var connection in connections)
            if (connection is JsonObject drawn && drawn["source"] is JsonObject source && source.Text("port") == from) source["port"] = to;
    }
}
