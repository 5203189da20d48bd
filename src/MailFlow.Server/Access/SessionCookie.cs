using System.Security.Claims;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace MailFlow.Server.Access;

/// <summary>The cookie of a person signed in: ASP.NET's, holding nothing but the id of a session, which is looked up with each request.</summary>
internal sealed class SessionCookie(Sessions sessions) : CookieAuthenticationEvents
{
    public const string SchemeName = "Session", CookieName = "mailflow_session";
    public const string SessionClaim = "session", UserClaim = "user", RoleClaim = "role";

    /// <summary>A session that nobody uses for so long has ended.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromHours(12);

    public static void Configure(CookieAuthenticationOptions options)
    {
        options.Cookie.Name = CookieName;
        options.Cookie.HttpOnly = true;
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest; // a laptop has no https
        options.ExpireTimeSpan = Idle;
        options.SlidingExpiration = true;
        options.EventsType = typeof(SessionCookie);
    }

    /// <summary>Hands the cookie of a session to the browser.</summary>
    public static Task GiveAsync(HttpContext context, Guid session) => context.SignInAsync(SchemeName,
        new ClaimsPrincipal(new ClaimsIdentity([new Claim(SessionClaim, session.ToString())], SchemeName)),
        new AuthenticationProperties { IsPersistent = true });

    public override async Task ValidatePrincipal(CookieValidatePrincipalContext context)
    {
        if (Guid.TryParse(context.Principal?.FindFirst(SessionClaim)?.Value, out var id)
            && await sessions.FindAsync(id, context.HttpContext.RequestAborted) is { } principal) context.ReplacePrincipal(principal);
        else context.RejectPrincipal();
    }

    public override Task RedirectToLogin(RedirectContext<CookieAuthenticationOptions> context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Problems.WriteAsync(context.HttpContext, StatusCodes.Status401Unauthorized,
            "Your session has ended: sign in again, or send the header 'Authorization: Bearer mf_…' with an API key.");
    }

    public override Task RedirectToAccessDenied(RedirectContext<CookieAuthenticationOptions> context)
    {
        var scope = ScopeNeeded.MissingIn(context.HttpContext) ?? Scopes.Admin;
        var role = context.HttpContext.User.FindFirst(RoleClaim)?.Value;
        return Problems.WriteAsync(context.HttpContext, StatusCodes.Status403Forbidden, ScopeNeeded.OperatorsOnly(context.HttpContext)
            ?? $"Your role '{role}' may not do this: it needs the scope '{scope}', which begins with the role '{Roles.LeastWith(scope).Word()}'.");
    }
}
