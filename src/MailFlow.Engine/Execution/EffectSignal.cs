using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>Raised when a batch has committed work for others: mail to send, jobs to do. A hint; they poll as well.</summary>
public sealed class EffectSignal : INodeSignal
{
    /// <summary>Something may have been planned.</summary>
    public event Action? Planned;

    /// <inheritdoc/>
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
