namespace MailFlow.Server.Elsa.Viewer;

/// <summary>A browser cannot send headers with a WebSocket, so Studio puts its key into the hub's address. Requests are not logged, so it stays secret.</summary>
internal static class HubToken
{
    public static IApplicationBuilder UseHubToken(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Request.Path.StartsWithSegments(InstanceHub.Path) && context.Request.Headers.Authorization.Count == 0
            && context.Request.Query["access_token"] is [{ Length: > 0 } token])
            context.Request.Headers.Authorization = $"Bearer {token}";
        return next(context);
    });
}
