using System.Security.Claims;
using System.Text.Encodings.Web;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace MailFlow.Server.Access;

/// <summary>Marks what is asked for when the database is away.</summary>
internal sealed record AnsweredBlindly;

/// <summary>Reads <c>Authorization: Bearer mf_…</c>. The account of the key is the account of everything the request does.</summary>
internal sealed class ApiKeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeys keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";
    public const string AccountClaim = "account", ScopeClaim = "scope", KeyClaim = "key";
    private const string Prefix = "Bearer ";

    /// <summary>The key a request shows, or null. A header that holds no key of ours counts for none: a page may send one of its own besides its cookie.</summary>
    public static string? KeyIn(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) return null;
        var key = header[Prefix.Length..].Trim();
        return ApiKey.LooksLikeKey(key) ? key : null;
    }

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (KeyIn(Request) is not { } given) return AuthenticateResult.NoResult();
        if (await keys.FindAsync(given, mayBeBlind: Context.GetEndpoint()?.Metadata.GetMetadata<AnsweredBlindly>() is not null, Context.RequestAborted) is not { } key) return AuthenticateResult.Fail("unknown or revoked key");

        var identity = new ClaimsIdentity(SchemeName);
        identity.AddClaim(new Claim(AccountClaim, key.AccountId.ToString()));
        identity.AddClaim(new Claim(KeyClaim, key.Id.ToString()));
        identity.AddClaim(new Claim(identity.NameClaimType, key.ShownName));
        foreach (var scope in key.Scopes) identity.AddClaim(new Claim(ScopeClaim, scope));
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        var header = Request.Headers.Authorization.ToString();
        await Problems.WriteAsync(Context, StatusCodes.Status401Unauthorized,
            header.Length == 0 ? "Sign in, or send the header 'Authorization: Bearer mf_…' with an API key."
            : header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? "The API key is unknown or has been revoked."
            : "An API key goes into the header as 'Authorization: Bearer mf_…', with the word Bearer.");
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problems.WriteAsync(Context, StatusCodes.Status403Forbidden, ScopeNeeded.MissingIn(Context) is { } missing
            ? $"The API key lacks the scope '{missing}'."
            : ScopeNeeded.OperatorsOnly(Context) ?? "This is for people who are signed in: an API key has no session.");
}
