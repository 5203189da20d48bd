namespace MailFlow.Delivery;

/// <summary>What can be done about a mail whose answer was lost.</summary>
public enum ReplayPolicy
{
    /// <summary>The provider knows our key: the same mail sent again is taken once. Lost answers cost nothing.</summary>
    Idempotent,

    /// <summary>The provider can be asked whether it took a mail.</summary>
    Searchable,

    /// <summary>Neither. Marketing mail is then sent at most once and transactional mail at least once.</summary>
    Neither,
}

/// <summary>
/// A way out for mail: an ESP's API or an SMTP relay. Called by many at once. Tell the four answers apart with care (<see cref="HandOver"/>):
/// the promise that no mail is sent twice or lost rests on it. An exception counts as <see cref="HandOver.Unknown"/>.
/// </summary>
public interface IEmailProvider
{
    /// <summary>Its name in configuration and ledger: <c>sandbox</c>. Never change it once mail was sent.</summary>
    string Name { get; }

    /// <summary>What it can do about lost answers.</summary>
    ReplayPolicy Replay { get; }

    /// <summary>How many calls it takes at once, from 1. Of a provider that is neither idempotent nor searchable, no more than these (in bulk: one full call) are ever in doubt after a crash.</summary>
    int Concurrency { get; }

    /// <summary>How long a call may take; then it is cancelled.</summary>
    TimeSpan RequestTimeout { get; }

    /// <summary>Whether it tracks opens and clicks by itself and reports them, so that we do not.</summary>
    bool TracksEngagement => false;

    /// <summary>Hands one mail over.</summary>
    Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct);

    /// <summary>
    /// Of a searchable provider: what became of this mail at its last hand-over, which this is not; <see cref="OutgoingEmail.Attempt"/> counts the looks too.
    /// <see cref="HandOver.Accepted"/>: it has it. <see cref="HandOver.Deferred"/>: it certainly has not, so it can be sent. <see cref="HandOver.Unknown"/>: it cannot say yet.
    /// </summary>
    Task<HandOver> FindAsync(OutgoingEmail email, CancellationToken ct) =>
        Task.FromResult<HandOver>(new HandOver.Unknown("this provider cannot be asked"));
}

/// <summary>A provider that takes many mails in one call.</summary>
public interface IBulkEmailProvider : IEmailProvider
{
    /// <summary>The most mails a call takes.</summary>
    int MaxBatch { get; }

    /// <summary>Hands mails over; one answer each, in the same order.</summary>
    Task<IReadOnlyList<HandOver>> SendManyAsync(IReadOnlyList<OutgoingEmail> emails, CancellationToken ct);
}
