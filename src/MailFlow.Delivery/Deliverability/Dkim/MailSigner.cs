using System.Collections.Concurrent;

namespace MailFlow.Delivery.Deliverability.Dkim;

/// <summary>Signs mail that leaves by a way that does not sign it itself.</summary>
public interface IMailSigner
{
    /// <summary>The mail, signed by the account's key for the domain; as it was, when there is none.</summary>
    /// <exception cref="MailFlow.Data.SecretLostException">There is a key, and it cannot be opened.</exception>
    ValueTask<byte[]> SignAsync(int accountId, string domain, byte[] mail, DateTimeOffset at, CancellationToken ct);
}

/// <summary>Signs with the keys of <see cref="DkimKeys"/>. Each is looked up once a minute: a change on any node is followed that soon.</summary>
internal sealed class MailSigner(DkimKeys keys, TimeProvider time) : IMailSigner
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(int AccountId, string Domain), (DkimSigner? Signer, string? Selector, string? PublicKey, long At)> _signers = new();

    public async ValueTask<byte[]> SignAsync(int accountId, string domain, byte[] mail, DateTimeOffset at, CancellationToken ct) =>
        await FindAsync(accountId, domain, ct) is { } signer ? signer.Sign(mail, at) : mail;

    private async ValueTask<DkimSigner?> FindAsync(int accountId, string domain, CancellationToken ct)
    {
        var known = _signers.TryGetValue((accountId, domain), out var kept);
        if (known && time.GetElapsedTime(kept.At) < Kept) return kept.Signer;
        var found = await keys.FindAsync(accountId, domain, ct);
        var signer = known && (kept.Selector, kept.PublicKey) == (found?.Selector, found?.Key.PublicKey) ? kept.Signer // the same key still
            : found is { } key ? new DkimSigner(domain, key.Selector, key.Key) : null;
        _signers[(accountId, domain)] = (signer, found?.Selector, found?.Key.PublicKey, time.GetTimestamp());
        return signer;
    }
}
