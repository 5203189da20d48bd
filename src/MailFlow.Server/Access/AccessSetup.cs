using MailFlow.Data;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;

namespace MailFlow.Server.Access;

/// <summary>The scope an endpoint asks for.</summary>
internal sealed record ScopeNeeded(string Scope);

internal static class AccessSetup
{
    /// <summary>Nothing is reachable without a key, unless its endpoint says so.</summary>
    public static IServiceCollection AddApiKeyAccess(this IServiceCollection services)
    {
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<AuditLog>();
        // Not AddAuthentication: it brings data protection, which would write keys of its own into the home directory.
        services.AddAuthenticationCore(options => options.DefaultScheme = ApiKeyAuthentication.SchemeName);
        services.AddWebEncoders();
        new AuthenticationBuilder(services)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, null);
        var access = services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        foreach (var scope in Scopes.All)
            access.AddPolicy(scope, policy => policy.RequireClaim(ApiKeyAuthentication.ScopeClaim, scope, Scopes.Admin));
        return services;
    }

    /// <summary>What a request changes is recorded under its caller's name.</summary>
    public static void UseAudit(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        Audit.Actor = context.User.Identity?.Name;
        await next(context);
    });

    /// <summary>Lets in keys with this scope, and those of administrators.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, string scope) where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(scope).WithMetadata(new ScopeNeeded(scope));
}
