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

    private const int MostKept = 1_000;

    /// <summary>How many ids that are not at hand are looked up a second: whoever guesses them costs no more than that.</summary>
    private const int MostLookUpsASecond = 100;

    private readonly Connections _connections;
    private readonly WebhookIntake _intake;
    private readonly TimeProvider _time;
    private readonly ILogger<Webhooks> _log;
    private readonly ConcurrentDictionary<(string Type, Guid Id), (WebhookOwner Owner, long Since)> _owners = new();
    private readonly ConcurrentDictionary<(string Type, Guid Id), long> _unknown = new();
    private readonly Lock _gate = new();
    private long _second;
    private int _lookUps;

    internal Webhooks(Connections connections, WebhookIntake intake, TimeProvider time, ILogger<Webhooks> log) => (_connections, _intake, _time, _log) = (connections, intake, time, log);

    /// <summary>Why a call for this connection is not read at all; null when it is.</summary>
    /// <param name="type">The kind of provider that the address names.</param>
    /// <param name="id">The connection that the address names.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<WebhookAnswer?> WhyNotAsync(string type, Guid id, CancellationToken ct)
    {
        if (_unknown.TryGetValue((type, id), out var since) && _time.GetElapsedTime(since) < Kept) return WebhookAnswer.Unknown;
        if (!_owners.ContainsKey((type, id)) && !MayLookUp()) return WebhookAnswer.Unavailable;
        if (await FindAsync(type, id, ct) is { Type.Webhook: not null }) return null;
        if (_unknown.Count >= MostKept) _unknown.Clear();
        _unknown[(type, id)] = _time.GetTimestamp();
        return WebhookAnswer.Unknown;
    }

    private bool MayLookUp()
    {
        lock (_gate)
        {
            var second = _time.GetUtcNow().ToUnixTimeSeconds();
            if (second != _second) (_second, _lookUps) = (second, 0);
            return _lookUps++ < MostLookUpsASecond;
        }
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
            case WebhookVerdict.Verified:
                await _intake.StoreAsync(new CallToStore(owner.AccountId, owner.Connection, type, call.Body.ToArray()), ct);
                return WebhookAnswer.Taken;
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
            if (_owners.Count >= MostKept) _owners.Clear();
            _owners[(type, id)] = (owner, _time.GetTimestamp());
        }
        return owner;
    }
}
