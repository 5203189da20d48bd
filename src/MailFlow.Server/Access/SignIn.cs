using System.Net;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Identity;

namespace MailFlow.Server.Access;

/// <summary>
/// Signing in with a password. Whoever fails learns only that it failed: not whether the address is known, nor whether the user is disabled,
/// by words or by time. The log names users by id and holds no address that was typed: people type passwords into the wrong field.
/// </summary>
internal sealed partial class SignIn(Users users, Passwords passwords, Sessions sessions, SignInThrottle throttle, ILogger<SignIn> log)
{
    /// <summary>The user whose password this is, with a new session; null when it is nobody's. Throws 429 after too many tries.</summary>
    public async Task<(User User, Guid Session)?> TryAsync(string email, string password, IPAddress? from, CancellationToken ct)
    {
        if (password.Length > Passwords.Longest || email.Length > Passwords.Longest) return null;
        await CountAsync(email, from, ct);
        var found = await users.FindByEmailAsync(email, ct);
        if (await CheckAsync(found, password, from, ct) is not { } user) return null;
        await throttle.SucceededAsync(email, from, ct);
        var session = await sessions.BeginAsync(user, ct);
        SignedIn(log, user.User.Id, user.User.AccountId, from);
        return (user.User, session);
    }

    /// <summary>Changes one's own password: other sessions end, and this browser is given a new one. Null when the current password is wrong.</summary>
    public async Task<Guid?> ChangePasswordAsync(UserCredentials user, string current, string replacement, IPAddress? from, CancellationToken ct)
    {
        // A stolen session must not be a way to try passwords.
        await CountAsync(user.User.Email, from, ct);
        if (await CheckAsync(user, current, from, ct) is null) return null;
        await throttle.SucceededAsync(user.User.Email, from, ct);
        await users.ChangeAsync(user.User.AccountId, user.User.Id, new UserChange(PasswordHash: await passwords.HashAsync(replacement, ct)), ct);
        sessions.Forget();
        PasswordChanged(log, user.User.Id, user.User.AccountId, from);
        return await sessions.BeginAsync((await users.FindCredentialsAsync(user.User.AccountId, user.User.Id, ct))!, ct);
    }

    private async Task CountAsync(string email, IPAddress? from, CancellationToken ct)
    {
        if (await throttle.BeginAsync(email, from, ct) is not { } wait) return;
        Throttled(log, from);
        throw new HttpProblem(StatusCodes.Status429TooManyRequests, "Too many tries to sign in. Wait a while.", wait);
    }

    private async Task<UserCredentials?> CheckAsync(UserCredentials? found, string password, IPAddress? from, CancellationToken ct)
    {
        var answer = await passwords.VerifyAsync(found?.PasswordHash, password, ct);
        if (found is null || found.User.Disabled || answer == PasswordVerificationResult.Failed)
        {
            Refused(log, found?.User.Id.ToString() ?? "unknown", from);
            return null;
        }
        if (answer == PasswordVerificationResult.SuccessRehashNeeded) await users.RehashAsync(found, await passwords.HashAsync(password, ct), ct);
        return found;
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "User {User} of account {Account} signed in from {Address}")]
    private static partial void SignedIn(ILogger log, Guid user, int account, IPAddress? address);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Signing in as user {User} was refused from {Address}")]
    private static partial void Refused(ILogger log, string user, IPAddress? address);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "Signing in was refused unseen after too many tries, from {Address}")]
    private static partial void Throttled(ILogger log, IPAddress? address);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "User {User} of account {Account} changed the password from {Address}")]
    private static partial void PasswordChanged(ILogger log, Guid user, int account, IPAddress? address);
}
