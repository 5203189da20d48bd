using MailFlow.Engine.Storage;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>How an instance stands in Elsa's words. There, one with an incident counts as finished.</summary>
internal static class InstanceWords
{
    public static string Status(InstanceStatus status) => status == InstanceStatus.Running ? "Running" : "Finished";

    public static string SubStatus(InstanceStatus status) => status switch
    {
        InstanceStatus.Running => "Suspended",
        InstanceStatus.Faulted => "Faulted",
        InstanceStatus.Cancelled or InstanceStatus.Exited => "Cancelled",
        _ => "Finished",
    };

    /// <summary>Our states that one of Elsa's words, status or sub-status, means.</summary>
    public static IEnumerable<InstanceStatus> Named(string word) =>
        Enum.GetValues<InstanceStatus>().Where(status => Is(Status(status), word) || Is(SubStatus(status), word));

    private static bool Is(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);
}
