namespace MailFlow.Engine.Execution;

/// <summary>Raised when a batch has committed work for others: mail to send, jobs to do. A hint; they poll as well.</summary>
public sealed class EffectSignal
{
    /// <summary>Something may have been planned.</summary>
    public event Action? Planned;

    /// <summary>Tells the listeners.</summary>
    public void Notify() => Planned?.Invoke();
}
