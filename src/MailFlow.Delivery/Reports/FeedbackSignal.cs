using MailFlow.Data;

namespace MailFlow.Delivery.Reports;

/// <summary>Wakes this process's reader of reports: a call was stored.</summary>
internal sealed class FeedbackSignal : INodeSignal, IDisposable
{
    private readonly MessageSignal _signal = new();

    public event Action<ulong>? Raised
    {
        add => _signal.Raised += value;
        remove => _signal.Raised -= value;
    }

    public string Topic => "reports";

    public void Notify() => _signal.Notify();

    public Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct) => _signal.WaitAsync(atMost, time, ct);

    public void Dispose() => _signal.Dispose();

    void INodeSignal.Hear(ulong which) => Notify();
}
