using System.Collections.Concurrent;
using System.Security.Claims;
using MailFlow.Data;

namespace MailFlow.Server.Access;

/// <summary>
/// Who is signed in. A session is a row, so that signing out ends it wherever its cookie is; the cookie carries only its id. A session that
/// was found is remembered for some seconds, as keys are.
/// </summary>
internal sealed class Sessions(Database database)
{
    /// <summary>After this long the password is asked for again, however busy the session was.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    private const int MostRemembered = 1000;
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Guid, (ClaimsPrincipal Principal, long At)> _remembered = new();

    /// <summary>Begins one; gives its id.</summary>
    /// <param name="user">Whose. It holds only while this is still the user's stamp.</param>
    /// <param name="ct">Stops it.</param>
    public Task<Guid> BeginAsync(UserCredentials user, CancellationToken ct) => database.WriteAsync(async session =>
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        var id = Guid.CreateVersion7(now);
        await session.ExecuteAsync("DELETE FROM user_session WHERE expires_at <= @now", ct, ("now", now));
        await session.ExecuteAsync("""
            INSERT INTO user_session (id, account_id, user_id, stamp, created_at, expires_at) VALUES (@id, @account, @user, @stamp, @now, @expires)
            """, ct, ("id", id), ("account", user.User.AccountId), ("user", user.User.Id), ("stamp", user.Stamp), ("now", now), ("expires", now + Longest));
        await session.ExecuteAsync("UPDATE console_user SET last_sign_in_at = @now WHERE id = @id", ct, ("id", user.User.Id), ("now", now));
        return id;
    }, ct);

    /// <summary>Who a session makes its bearer, or null when it has ended.</summary>
    public async Task<ClaimsPrincipal?> FindAsync(Guid id, CancellationToken ct)
    {
        if (_remembered.TryGetValue(id, out var known) && database.Time.GetElapsedTime(known.At) < Remembered) return known.Principal;
        var principal = await database.ReadAsync(async session => await session.FirstAsync("""
            SELECT u.account_id, u.id, u.role, u.email
            FROM user_session s JOIN console_user u ON u.id = s.user_id AND u.account_id = s.account_id
            WHERE s.id = @id AND s.stamp = u.stamp AND s.expires_at > @now AND NOT u.disabled
            """, row => Principal(id, row.Int(0), row.Uuid(1), Roles.Parse(row.Text(2)), row.Text(3)), ct, ("id", id), ("now", await session.NowAsync(ct))), ct);
        if (principal is null)
        {
            _remembered.TryRemove(id, out _);
            return null;
        }
        if (_remembered.Count >= MostRemembered) _remembered.Clear();
        _remembered[id] = (principal, database.Time.GetTimestamp());
        return principal;
    }

    /// <summary>Ends one: at once on this node, within seconds on others.</summary>
    public async Task EndAsync(Guid id, CancellationToken ct)
    {
        await database.WriteAsync(session => session.ExecuteAsync("DELETE FROM user_session WHERE id = @id", ct, ("id", id)), ct);
        _remembered.TryRemove(id, out _);
    }

    /// <summary>After a user was changed: what is remembered may no longer hold.</summary>
    public void Forget() => _remembered.Clear();

    private static ClaimsPrincipal Principal(Guid id, int accountId, Guid userId, Role role, string email)
    {
        var identity = new ClaimsIdentity(SessionCookie.SchemeName);
        identity.AddClaim(new Claim(SessionCookie.SessionClaim, id.ToString()));
        identity.AddClaim(new Claim(ApiKeyAuthentication.AccountClaim, accountId.ToString()));
        identity.AddClaim(new Claim(SessionCookie.UserClaim, userId.ToString()));
        identity.AddClaim(new Claim(identity.NameClaimType, email));
        identity.AddClaim(new Claim(SessionCookie.RoleClaim, role.Word()));
        foreach (var scope in Roles.ScopesOf(role)) identity.AddClaim(new Claim(ApiKeyAuthentication.ScopeClaim, scope));
        return new ClaimsPrincipal(identity);
    }
}
