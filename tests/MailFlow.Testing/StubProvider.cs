using System.Collections.Concurrent;
using MailFlow.Delivery;

namespace MailFlow.Testing;

/// <summary>What a <see cref="StubProvider"/> does with one mail.</summary>
public enum StubAnswer
{
    /// <summary>Takes it and says so.</summary>
    Accept,

    /// <summary>Takes it, and the connection breaks before the answer.</summary>
    AcceptThenDrop,

    /// <summary>The connection breaks before the mail is taken, and nobody can tell.</summary>
    Drop,

    /// <summary>Refuses it for good, with <see cref="StubProvider.Refusal"/>.</summary>
    Reject,

    /// <summary>Puts it off.</summary>
    Defer,

    /// <summary>Puts it off because of trouble of its own.</summary>
    ProviderTrouble,

    /// <summary>Answers with <see cref="StubProvider.Fault"/>.</summary>
    SenderFault,

    /// <summary>Never answers.</summary>
    Stall,
}

/// <summary>A mail that a <see cref="StubProvider"/> took: it would have reached its recipient.</summary>
public sealed record TakenMail(Guid Key, string To, string Subject, int Attempt);

/// <summary>
/// A provider that sends nothing and keeps its own log of what it took, apart from the ledger: what a recipient would have
/// got. It outlives the senders that a crash test kills.
/// </summary>
public class StubProvider(ReplayPolicy replay = ReplayPolicy.Idempotent) : IEmailProvider
{
    private readonly ConcurrentQueue<TakenMail> _taken = new();
    private readonly ConcurrentDictionary<Guid, bool> _keys = new();
    private int _calls;

    /// <summary>What to do with a mail; default: accept.</summary>
    public Func<OutgoingEmail, StubAnswer> Answer { get; set; } = _ => StubAnswer.Accept;

    /// <summary>Called with each mail before it is answered, for a test to look on or interfere.</summary>
    public Action<OutgoingEmail> OnSend { get; set; } = _ => { };

    /// <summary>What a deferral asks for.</summary>
    public TimeSpan? RetryAfter { get; set; }

    /// <summary>How it refuses.</summary>
    public HandOver.Rejected Refusal { get; set; } = new("550 no such mailbox", BounceKind.Hard);

    /// <summary>The sender's fault that it finds.</summary>
    public HandOver.SenderFault Fault { get; set; } = new("the API key is refused", FaultScope.Connection);

    /// <summary>The append-only log of what was taken, in order. An idempotent provider takes a key once.</summary>
    public IReadOnlyCollection<TakenMail> Taken => _taken;

    /// <summary>How many mails were handed over, taken or not.</summary>
    public int Calls => _calls;

    /// <inheritdoc/>
    public string Name => "stub";

    /// <inheritdoc/>
    public ReplayPolicy Replay => replay;

    /// <inheritdoc/>
    public int Concurrency { get; set; } = 4;

    /// <inheritdoc/>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct)
    {
        OnSend(email);
        Interlocked.Increment(ref _calls);
        switch (Answer(email))
        {
            case StubAnswer.Accept:
                Take(email);
                return new HandOver.Accepted($"stub-{email.MessageId:n}");
            case StubAnswer.AcceptThenDrop:
                Take(email);
                throw new IOException("the connection broke");
            case StubAnswer.Drop:
                throw new IOException("the connection broke");
            case StubAnswer.Reject:
                return Refusal;
            case StubAnswer.Defer:
                return new HandOver.Deferred("451 try again later", RetryAfter);
            case StubAnswer.ProviderTrouble:
                return new HandOver.Deferred("503 unavailable", RetryAfter, IsProviders: true);
            case StubAnswer.SenderFault:
                return Fault;
            default:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
                throw new InvalidOperationException("unreachable");
        }
    }

    /// <inheritdoc/>
    public Task<HandOver> FindAsync(OutgoingEmail email, CancellationToken ct) => Task.FromResult<HandOver>(
        _keys.ContainsKey(email.MessageId) ? new HandOver.Accepted($"stub-{email.MessageId:n}") : new HandOver.Deferred("not found"));

    private void Take(OutgoingEmail email)
    {
        if (_keys.TryAdd(email.MessageId, true) || replay != ReplayPolicy.Idempotent)
            _taken.Enqueue(new TakenMail(email.MessageId, email.To.ToString(), email.Subject, email.Attempt));
    }
}

/// <summary>The same, taking many mails in one call.</summary>
public sealed class BulkStubProvider(ReplayPolicy replay = ReplayPolicy.Idempotent) : StubProvider(replay), IBulkEmailProvider
{
    /// <inheritdoc/>
    public int MaxBatch => 500;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<HandOver>> SendManyAsync(IReadOnlyList<OutgoingEmail> emails, CancellationToken ct)
    {
        var answers = new HandOver[emails.Count];
        for (var i = 0; i < answers.Length; i++) answers[i] = await SendAsync(emails[i], ct);
        return answers;
    }
}
