using System.Text;
using MailFlow.Data;
using Microsoft.AspNetCore.Identity;

namespace MailFlow.Server.Access;

/// <summary>Hashes passwords with the framework's hasher: PBKDF2, HMAC-SHA-512, a salt of 128 bits each.</summary>
internal sealed class Passwords(IPasswordHasher<UserCredentials> hasher) : IDisposable
{
    /// <summary>OWASP asks for 210,000 with SHA-512 (Password Storage Cheat Sheet); the framework's own default is 100,000.</summary>
    public const int Iterations = 220_000;

    private const int Shortest = 12, FewestDifferent = 5;

    /// <summary>Beyond it nothing is hashed.</summary>
    public const int Longest = 256;

    // A flood of sign-ins may take half of the processors, not the engine's share.
    private readonly SemaphoreSlim _gate = new(Math.Max(1, Environment.ProcessorCount / 2));
    private string? _nobodys;

    /// <summary>Throws <see cref="InvalidInputException"/> for a password that is too easily guessed.</summary>
    /// <param name="password">The password.</param>
    /// <param name="field">Its name in the request.</param>
    /// <param name="email">Whose it is to be.</param>
    public static string Check(string? password, string field, string email)
    {
        if (password is null || password.Length is < Shortest or > Longest) throw new InvalidInputException(field, $"must be {Shortest} to {Longest} characters");
        if (password.Distinct().Count() < FewestDifferent) throw new InvalidInputException(field, $"must hold at least {FewestDifferent} different characters");
        if (password.Contains(email, StringComparison.OrdinalIgnoreCase)) throw new InvalidInputException(field, "must not hold the e-mail address");
        return password;
    }

    /// <summary>What is kept of a password.</summary>
    public Task<string> HashAsync(string password, CancellationToken ct) => GatedAsync(() => hasher.HashPassword(null!, Normal(password)), ct);

    /// <summary>
    /// Whether it is the password. Without a hash, for a user who is not there, it takes as long and is false, so that the time it takes tells nobody who is.
    /// </summary>
    public Task<PasswordVerificationResult> VerifyAsync(string? hash, string password, CancellationToken ct) => GatedAsync(() =>
    {
        // Made whoever is asked about first.
        _nobodys ??= hasher.HashPassword(null!, Guid.CreateVersion7(DateTimeOffset.UnixEpoch).ToString());
        var answer = hasher.VerifyHashedPassword(null!, hash ?? _nobodys, Normal(password));
        return hash is null ? PasswordVerificationResult.Failed : answer;
    }, ct);

    public void Dispose() => _gate.Dispose();

    /// <summary>One form for what keyboards type in several.</summary>
    private static string Normal(string password) => password.Normalize(NormalizationForm.FormKC);

    private async Task<T> GatedAsync<T>(Func<T> work, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            return work();
        }
        finally
        {
            _gate.Release();
        }
    }
}
