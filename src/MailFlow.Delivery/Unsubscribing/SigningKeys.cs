using System.Security.Cryptography;
using MailFlow.Data;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>The keys that links are signed with: those configured, else one of the installation's own, made at first need and kept in the database.</summary>
internal sealed class SigningKeys(Database database, DeliveryOptions options)
{
    private IReadOnlyList<SigningKey>? _keys = options.SigningKeys.Count > 0 ? options.SigningKeys : null;

    /// <summary>All that verify, the one that signs first.</summary>
    public async ValueTask<IReadOnlyList<SigningKey>> AllAsync(CancellationToken ct)
    {
        if (_keys is { } known) return known;
        var kept = await database.ReadAsync(session => KeptAsync(session, ct), ct);
        if (kept.Count == 0) kept = await database.WriteAsync(session => MakeAsync(session, ct), ct);
        return _keys = kept;
    }

    private static async Task<List<SigningKey>> MakeAsync(Session session, CancellationToken ct)
    {
        await session.ExecuteAsync(
            "INSERT INTO signing_key (id, secret, created_at) VALUES (1, @secret, @now) ON CONFLICT (id) DO NOTHING", ct,
            ("secret", RandomNumberGenerator.GetBytes(32)), ("now", await session.NowAsync(ct)));
        return await KeptAsync(session, ct); // another node's, where that was first
    }

    private static Task<List<SigningKey>> KeptAsync(Session session, CancellationToken ct) => session.QueryAsync(
        "SELECT id, secret FROM signing_key ORDER BY id DESC", row => new SigningKey((byte)row.Int(0), row.Bytes(1)), ct);
}
