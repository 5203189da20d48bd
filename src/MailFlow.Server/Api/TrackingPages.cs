using MailFlow.Delivery;

namespace MailFlow.Server.Api;

/// <summary>What tracked mail fetches: the picture of one dot, and links that lead on to where the mail's own link led. The target stands in the signed token and nowhere else.</summary>
internal static class TrackingPages
{
    private static readonly byte[] Dot = Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7");
    private static readonly string[] Methods = ["GET", "HEAD"];

    public static void MapTracking(this IEndpointRouteBuilder app)
    {
        app.MapMethods(MailTracking.OpenPath + "/{token}", Methods, OpenAsync).AllowAnonymous().WithTags("Tracking").ExcludeFromDescription();
        app.MapMethods(MailTracking.ClickPath + "/{token}", Methods, ClickAsync).AllowAnonymous().WithTags("Tracking").ExcludeFromDescription();
    }

    private static async Task<IResult> OpenAsync(string token, HttpContext context, MailTracking tracking, CancellationToken ct)
    {
        Prepare(context);
        return await tracking.VisitAsync(token, isOpen: true, VisitorOf(context), ct) is null ? Results.NotFound() : Results.Bytes(Dot, "image/gif");
    }

    private static async Task<IResult> ClickAsync(string token, HttpContext context, MailTracking tracking, CancellationToken ct)
    {
        Prepare(context);
        return await tracking.VisitAsync(token, isOpen: false, VisitorOf(context), ct) switch
        {
            null => Results.Text("This link is not valid. It may have been cut off: copy the whole link from the mail.", "text/plain; charset=utf-8", statusCode: 404),
            { Url: { } url } => Results.Redirect(url),
            _ => Results.Text("There is nothing here.", "text/plain; charset=utf-8"),
        };
    }

    private static void Prepare(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store, private";
        context.Response.Headers["X-Robots-Tag"] = "noindex";
        context.Response.Headers["Referrer-Policy"] = "no-referrer"; // the token is nobody else's business
    }

    private static TrackingVisitor VisitorOf(HttpContext context) =>
        new(context.Request.Headers.UserAgent.ToString(), context.Connection.RemoteIpAddress?.ToString(), HttpMethods.IsHead(context.Request.Method));
}
