using MailFlow.Data;
using MailFlow.Server.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Identity;

namespace MailFlow.Server.Access;

/// <summary>The scope an endpoint asks for.</summary>
internal sealed record ScopeNeeded(string Scope)
{
    /// <summary>Why a caller who holds every scope is refused what asks for <see cref="Scopes.ClusterRead"/>; null for the rest.</summary>
    public static string? OperatorsOnly(HttpContext context) =>
        MissingIn(context) is null && context.GetEndpoint()?.Metadata.GetOrderedMetadata<ScopeNeeded>().Any(needed => needed.Scope == Scopes.ClusterRead) == true
            ? "This is about all accounts, and for the account of whoever operates the server."
            : null;

    /// <summary>The first of the scopes that a request's endpoint asks for and its caller does not hold; null when that is none.</summary>
    public static string? MissingIn(HttpContext context) => context.GetEndpoint()?.Metadata.GetOrderedMetadata<ScopeNeeded>().Select(needed => needed.Scope)
        .FirstOrDefault(scope => !context.User.HasClaim(ApiKeyAuthentication.ScopeClaim, scope) && !context.User.HasClaim(ApiKeyAuthentication.ScopeClaim, Scopes.Admin));
}

internal static class AccessSetup
{
    private const string EitherScheme = "KeyOrSession", SignedInPolicy = "signed in";

    /// <summary>Nothing is reachable without a key or a session, unless its endpoint says so.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<IPasswordHasher<UserCredentials>, PasswordHasher<UserCredentials>>();
        services.Configure<PasswordHasherOptions>(hasher => hasher.IterationCount = Passwords.Iterations);
        services.AddSingleton<Passwords>();
        services.AddSingleton<Users>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<SessionCookie>();
        services.AddSingleton<SignInThrottle>();
        services.AddSingleton<SignIn>();
        services.AddSingleton<ISecretBox, SecretBox>();
        services.AddDataProtection().SetApplicationName("MailFlow"); // otherwise the folder it runs from, which differs between nodes
        services.AddOptions<KeyManagementOptions>().Configure<Database>((keys, database) => keys.XmlRepository = new DataProtectionKeys(database));
        services.AddAuthentication(EitherScheme)
            .AddPolicyScheme(EitherScheme, null, either => either.ForwardDefaultSelector = Choose)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, null)
            .AddCookie(SessionCookie.SchemeName, SessionCookie.Configure);
        var access = services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build())
            .AddPolicy(SignedInPolicy, policy => policy.RequireClaim(SessionCookie.UserClaim));
        foreach (var scope in Scopes.All)
            access.AddPolicy(scope, policy =>
            {
                policy.RequireClaim(ApiKeyAuthentication.ScopeClaim, scope, Scopes.Admin);
                // What is about all accounts is for whoever operates the server: that is the first account.
                if (scope == Scopes.ClusterRead) policy.RequireClaim(ApiKeyAuthentication.AccountClaim, FirstStart.AccountId.ToString());
            });
        return services;
    }

    /// <summary>What a request changes is recorded under its caller's name.</summary>
    public static void UseAudit(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        Audit.Actor = context.User.Identity?.Name;
        await next(context);
    });

    /// <summary>
    /// A request that asks for a caller is walled in with the caller's account (<see cref="AccountWall"/>). One that asks for none acts for whomever its link or signature names,
    /// whoever happens to be signed in.
    /// </summary>
    public static void UseAccountWall(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        if (context.User.Identity?.IsAuthenticated == true && context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null) AccountWall.Account = Caller.Of(context).AccountId;
        await next(context);
    });

    /// <summary>Lets in keys and users with this scope, and those of administrators.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, string scope) where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(scope).WithMetadata(new ScopeNeeded(scope));

    /// <summary>Lets in whoever is signed in, and no keys: what is about oneself.</summary>
    public static TBuilder RequireSignedIn<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(SignedInPolicy);

    /// <summary>A key when one is shown; else the session, when there is a cookie.</summary>
    private static string Choose(HttpContext context) =>
        ApiKeyAuthentication.KeyIn(context.Request) is null && context.Request.Cookies.ContainsKey(SessionCookie.CookieName)
            ? SessionCookie.SchemeName
            : ApiKeyAuthentication.SchemeName;
}
