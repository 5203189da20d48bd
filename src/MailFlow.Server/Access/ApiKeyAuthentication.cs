using System.Security.Claims;
using System.Text.Encodings.Web;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace MailFlow.Server.Access;

/// <summary>Reads <c>Authorization: Bearer mf_…</c>. The account of the key is the account of everything the request does.</summary>
internal sealed class ApiKeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeys keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";
    public const string AccountClaim = "account", ScopeClaim = "scope", KeyClaim = "key";
    private const string Prefix = "Bearer ";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) return AuthenticateResult.NoResult();
        if (await keys.FindAsync(header[Prefix.Length..].Trim(), Context.RequestAborted) is not { } key) return AuthenticateResult.Fail("unknown or revoked key");

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
        var given = Request.Headers.Authorization.Count > 0;
        await Problems.WriteAsync(Context, StatusCodes.Status401Unauthorized, given
            ? "The API key is unknown or has been revoked."
            : "This needs an API key: send the header 'Authorization: Bearer mf_…'.");
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problems.WriteAsync(Context, StatusCodes.Status403Forbidden,
            $"The API key lacks the scope '{Context.GetEndpoint()?.Metadata.GetMetadata<ScopeNeeded>()?.Scope ?? Scopes.Admin}'.");
}
