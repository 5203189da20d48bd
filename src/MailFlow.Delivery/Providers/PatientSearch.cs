using System.Collections.Concurrent;

namespace MailFlow.Delivery.Providers;

/// <summary>
/// For providers whose search lags behind what they take: a mail is only called absent when two looks in a row, further apart than the lag, have both not found it.
/// </summary>
/// <remarks>
/// The first look comes after the hand-over, so the second comes at least the lag after it. That nothing was handed over between the two, by this node or
/// another, is told by the attempts: both looks must be successive attempts, and an attempt that only looks hands nothing over. The lag is measured, not
/// read off the machine's clock, which may be set forward in between.
/// </remarks>
internal sealed class PatientSearch(TimeProvider time, TimeSpan lag)
{
    private const int Most = 100_000;
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(4);

    private readonly ConcurrentDictionary<Guid, (long Since, int Attempt)> _absent = new();

    /// <summary>It was not found at this attempt.</summary>
    public HandOver NotFound(OutgoingEmail email, string provider)
    {
        if (_absent.Count >= Most)
            foreach (var (id, (since, _)) in _absent)
                if (time.GetElapsedTime(since) > Forgotten) _absent.TryRemove(id, out _);
        var first = _absent.TryGetValue(email.MessageId, out var seen) && seen.Attempt + 1 == email.Attempt ? seen.Since : time.GetTimestamp();
        if (time.GetElapsedTime(first) >= lag)
        {
            _absent.TryRemove(email.MessageId, out _);
            return new HandOver.Deferred($"{provider} was asked and does not have it");
        }
        if (_absent.Count < Most || _absent.ContainsKey(email.MessageId)) _absent[email.MessageId] = (first, email.Attempt);
        return new HandOver.Unknown($"{provider} was asked and does not show it yet", IsProviders: false);
    }

    /// <summary>It was found.</summary>
    public HandOver Found(OutgoingEmail email, string? providerId)
    {
        _absent.TryRemove(email.MessageId, out _);
        return new HandOver.Accepted(providerId);
    }
}
