using MailFlow.Server.Api;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Authentication;

namespace MailFlow.Server.Access;

/// <summary>
/// A browser sends the cookie whoever made it ask. So what a cookie's bearer changes must be asked from our own pages: the browser says so in
/// <c>Sec-Fetch-Site</c>, and, where it does not know that header (or we are reached without https), in <c>Origin</c>. API keys are not
/// sent by themselves and need none of this; nor do the pages behind signed links, which no cookie lets in (RFC 8058: a mail program's POST must act).
/// </summary>
internal static class SameOrigin
{
    public static IApplicationBuilder UseSameOriginForCookies(this IApplicationBuilder app) => app.Use((context, next) =>
        IsAskedByCookie(context) && Changes(context.Request) && !IsOwn(context.Request) && context.GetEndpoint()?.Metadata.GetMetadata<SignedLink>() is null
            ? Problems.WriteAsync(context, StatusCodes.Status403Forbidden,
                "A request with a session's cookie must come from the server's own pages (Sec-Fetch-Site, Origin). Programs use an API key.")
            : next(context));

    private static bool IsAskedByCookie(HttpContext context) =>
        context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Principal?.Identity?.AuthenticationType == SessionCookie.SchemeName;

    /// <summary>A web socket begins with a GET and changes what it likes then.</summary>
    private static bool Changes(HttpRequest request) =>
        !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        || request.Headers.Upgrade.Count > 0;

    private static bool IsOwn(HttpRequest request) => request.Headers["Sec-Fetch-Site"] is [var site]
        ? site == "same-origin"
        : request.Headers["Sec-Fetch-Site"].Count == 0 && request.Headers.Origin is [var origin]
            && string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
}
