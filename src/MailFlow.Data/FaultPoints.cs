namespace MailFlow.Data;

/// <summary>
/// The labelled points at which a crash test makes the process die: before and after each commit and each call to the outside. In production
/// <see cref="FaultPoints.None"/>.
/// </summary>
public interface IFaultPoints
{
    /// <summary>Called on arrival at a point. A test throws here, or ends the process.</summary>
    /// <param name="name">Module, step and side: <c>sender.hand-over.before-commit</c>.</param>
    void Reach(string name);
}

/// <summary>Fault points that do nothing.</summary>
public static class FaultPoints
{
    /// <summary>Nothing ever happens.</summary>
    public static IFaultPoints None { get; } = new Nothing();

    private sealed class Nothing : IFaultPoints
    {
        public void Reach(string name) { }
    }
}
