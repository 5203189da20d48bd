using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MailFlow.Audience;
using MailFlow.Data;

namespace MailFlow.Server.Access;

/// <summary>
/// Bounds guessing: for an e-mail from one address, for an e-mail from anywhere, and for an address. Counted in the database, so that neither a restart nor
/// another node gives further tries, and before the password is looked at, so that many at once do not slip through.
/// </summary>
internal sealed class SignInThrottle(Database database)
{
    /// <summary>How long tries are counted together.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(15);

    /// <summary>
    /// The narrow bound is the one a stranger meets: who wants to lock somebody out must come from many addresses.
    /// An office behind one address shares the third.
    /// </summary>
    public const int MostForEmailFromAddress = 5, MostForEmail = 50, MostFromAddress = 30;

    /// <summary>Counts a try; gives how long to wait when there have been too many, else null.</summary>
    public Task<TimeSpan?> BeginAsync(string email, IPAddress? address, CancellationToken ct) => OutsideTheWallAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        await session.ExecuteAsync("DELETE FROM sign_in_attempt WHERE started_at <= @old", ct, ("old", now - (long)Window.TotalMilliseconds));
        // In this order always: two that count at once wait for each other and do not lock.
        foreach (var (key, most) in Bounds(email, address))
        {
            var (attempts, startedAt) = await session.FirstAsync("""
                INSERT INTO sign_in_attempt (key, attempts, started_at) VALUES (@key, 1, @now)
                ON CONFLICT (key) DO UPDATE SET attempts = sign_in_attempt.attempts + 1
                RETURNING attempts, started_at
                """, row => (row.Int(0), row.Long(1)), ct, ("key", key), ("now", now));
            if (attempts > most) return TimeSpan.FromMilliseconds(Math.Max(1000, startedAt + (long)Window.TotalMilliseconds - now));
        }
        return (TimeSpan?)null;
    }, ct);

    /// <summary>The password was right: this try and those before it for this e-mail count no more.</summary>
    public Task SucceededAsync(string email, IPAddress? address, CancellationToken ct) => OutsideTheWallAsync(async session =>
    {
        foreach (var (key, most) in Bounds(email, address))
            await session.ExecuteAsync(most == MostFromAddress
                ? "UPDATE sign_in_attempt SET attempts = attempts - 1 WHERE key = @key AND attempts > 0" // one who has a password does not clear an address for guessing others'
                : "DELETE FROM sign_in_attempt WHERE key = @key", ct, ("key", key));
        return true;
    }, ct);

    /// <summary>Forgets every try, for an operator who resets the administrator.</summary>
    public static Task ClearAsync(Session session, CancellationToken ct) => session.ExecuteAsync("DELETE FROM sign_in_attempt", ct);

    /// <summary>Whoever tries has shown no account yet; who changes the password of a session has.</summary>
    private async Task<T> OutsideTheWallAsync<T>(Func<Session, Task<T>> write, CancellationToken ct)
    {
        using var lifted = AccountWall.Lift();
        return await database.WriteAsync(write, ct);
    }

    private static IEnumerable<(byte[] Key, int Most)> Bounds(string email, IPAddress? address)
    {
        var (who, from) = (EmailAddress.Key(email), Network(address));
        yield return (KeyOf($"both\n{from}\n{who}"), MostForEmailFromAddress);
        yield return (KeyOf($"email\n{who}"), MostForEmail);
        yield return (KeyOf($"address\n{from}"), MostFromAddress);
    }

    private static byte[] KeyOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>Of IPv6 the network: whoever has one address has 2^64.</summary>
    private static string Network(IPAddress? address)
    {
        if (address is null) return "";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes(), 0, 8) : address.ToString();
    }
}
