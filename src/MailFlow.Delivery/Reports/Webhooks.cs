using System.Collections.Concurrent;
using MailFlow.Delivery.Reports;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery;

/// <summary>How a call to a webhook is answered.</summary>
public enum WebhookAnswer
{
    /// <summary>It is durable, or was dealt with.</summary>
    Taken,

    /// <summary>It is not the provider's, or changed on the way. Nothing says why.</summary>
    Refused,

    /// <summary>There is no such connection, or its kind reports nothing.</summary>
    Unknown,

    /// <summary>It could not be verified at this moment: the provider is to call again.</summary>
    Unavailable,
}

/// <summary>The door that providers report at: each call is verified on its raw bytes and stored before it is answered. It is read after.</summary>
public sealed class Webhooks
{
    /// <summary>The most bytes of a call.</summary>
    public const int MaxBytes = 5 * 1024 * 1024;

    /// <summary>How long a connection's settings are kept at hand: after a change, calls are still verified the old way for so long.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    private const int MostOwners = 50_000, MostUnknown = 1_000;

    /// <summary>How many look-ups of ids that are not at hand are under way or came to nothing within a second: whoever guesses them costs no more than that.</summary>
    private const int MostGuessesASecond = 100;

    private readonly Connections _connections;
    private readonly WebhookIntake _intake;
    private readonly TimeProvider _time;
    private readonly ILogger<Webhooks> _log;
    private readonly ConcurrentDictionary<(string Type, Guid Id), (WebhookOwner Owner, long Since)> _owners = new();
    private readonly ConcurrentDictionary<(string Type, Guid Id), long> _unknown = new();
    private readonly Lock _gate = new();
    private long _second;
    private int _guesses;

    internal Webhooks(Connections connections, WebhookIntake intake, TimeProvider time, ILogger<Webhooks> log) => (_connections, _intake, _time, _log) = (connections, intake, time, log);

    /// <summary>Why a call for this connection is not read at all; null when it is.</summary>
    /// <param name="type">The kind of provider that the address names.</param>
    /// <param name="id">The connection that the address names.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<WebhookAnswer?> WhyNotAsync(string type, Guid id, CancellationToken ct)
    {
        if (_unknown.TryGetValue((type, id), out var since) && _time.GetElapsedTime(since) < Kept) return WebhookAnswer.Unknown;
        var isGuess = !_owners.ContainsKey((type, id));
        var second = _time.GetUtcNow().ToUnixTimeSeconds();
        if (isGuess && !BeginGuess(second)) return WebhookAnswer.Unavailable;
        if (await FindAsync(type, id, ct) is { Type.Webhook: not null })
        {
            if (isGuess) TakeBackGuess(second);
            return null;
        }
        if (_unknown.Count >= MostUnknown) _unknown.Clear();
        _unknown[(type, id)] = _time.GetTimestamp();
        return WebhookAnswer.Unknown;
    }

    private bool BeginGuess(long second)
    {
        lock (_gate)
        {
            if (second != _second) (_second, _guesses) = (second, 0);
            if (_guesses >= MostGuessesASecond) return false;
            _guesses++;
            return true;
        }
    }

    private void TakeBackGuess(long second)
    {
        lock (_gate)
            if (second == _second) _guesses--;
    }

    /// <summary>Takes a call.</summary>
    /// <param name="type">The kind of provider that the address names.</param>
    /// <param name="id">The connection that the address names.</param>
    /// <param name="call">The call as it came.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<WebhookAnswer> TakeAsync(string type, Guid id, WebhookCall call, CancellationToken ct)
    {
        if (await FindAsync(type, id, ct) is not { Type.Webhook: { } webhook } owner) return WebhookAnswer.Unknown;
        WebhookVerdict verdict;
        try
        {
            verdict = await webhook.VerifyAsync(call, owner.Settings, ct);
        }
        catch (Exception error) when (error is HttpRequestException or TimeoutException || (error is OperationCanceledException && !ct.IsCancellationRequested))
        {
            _log.LogWarning("A call to the webhook of {Type} connection {Connection} could not be verified now: {Error}.", type, owner.Connection, error.GetType().Name);
            return WebhookAnswer.Unavailable;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            verdict = new WebhookVerdict.Refused(error.GetType().Name); // its message may hold what was sent
        }
        switch (verdict)
        {
            case WebhookVerdict.Verified verified:
                if (await _intake.StoreAsync(new CallToStore(owner.AccountId, owner.Connection, type, call.Body.ToArray(), verified.Token), ct)) return WebhookAnswer.Taken;
                _log.LogWarning("A call to the webhook of {Type} connection {Connection} was refused: its token was used for another event.", type, owner.Connection);
                return WebhookAnswer.Refused;
            case WebhookVerdict.Handled:
                return WebhookAnswer.Taken;
            default:
                _log.LogWarning("A call to the webhook of {Type} connection {Connection} was refused: {Reason}.", type, owner.Connection, ((WebhookVerdict.Refused)verdict).Reason);
                return WebhookAnswer.Refused;
        }
    }

    private async ValueTask<WebhookOwner?> FindAsync(string type, Guid id, CancellationToken ct)
    {
        if (_owners.TryGetValue((type, id), out var kept) && _time.GetElapsedTime(kept.Since) < Kept) return kept.Owner;
        var owner = await _connections.FindByIdAsync(type, id, ct);
        if (owner is null) _owners.TryRemove((type, id), out _);
        else
        {
            if (_owners.Count >= MostOwners) ForgetOldest();
            _owners[(type, id)] = (owner, _time.GetTimestamp());
        }
        return owner;
    }

    /// <summary>Those that were not called for the longest time make room for others.</summary>
    private void ForgetOldest()
    {
        lock (_gate)
            if (_owners.Count >= MostOwners)
                foreach (var (key, _) in _owners.OrderBy(each => each.Value.Since).Take(MostOwners / 10)) _owners.TryRemove(key, out _);
    }
}
