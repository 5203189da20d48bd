using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>Raised when a batch has committed work for others: mail to send, jobs to do. A hint; they poll as well.</summary>
public sealed class EffectSignal : INodeSignal
{
    /// <summary>Wakes who does such work in this process: something may have been planned, here or (told by <see cref="INodeSignal.Hear"/>) at another node.</summary>
    public event Action? Planned;

    /// <summary>The same, for who carries it to other nodes.</summary>
    public event Action<ulong>? Raised;

    /// <inheritdoc/>
    public string Topic => "effects";

    /// <summary>Tells the listeners.</summary>
    public void Notify()
    {
        Raised?.Invoke(1);
        Planned?.Invoke();
    }

    void INodeSignal.Hear(ulong which) => Notify();
}
