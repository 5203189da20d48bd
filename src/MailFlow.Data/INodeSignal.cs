namespace MailFlow.Data;

/// <summary>
/// What tells one part of a process that another has left it work. Where that work is another node's, <see cref="NodeHints"/> carries it there. A node carries a signal away
/// or hears it, never both, so none goes round in circles.
/// </summary>
public interface INodeSignal
{
    /// <summary>Its name between nodes.</summary>
    string Topic { get; }

    /// <summary>Raised in this process. The bits say what there is to do; their meaning is the signal's own.</summary>
    event Action<ulong>? Raised;

    /// <summary>Another node raised it.</summary>
    void Hear(ulong which);
}
