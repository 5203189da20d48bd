namespace MailFlow.Delivery.Reports;

/// <summary>Wakes this process's reader of reports: a call was stored.</summary>
internal sealed class FeedbackSignal : IDisposable
{
    private readonly MessageSignal _signal = new();

    public void Notify() => _signal.Notify();

    public Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct) => _signal.WaitAsync(atMost, time, ct);

    public void Dispose() => _signal.Dispose();
}
