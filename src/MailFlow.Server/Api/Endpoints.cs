namespace MailFlow.Server.Api;

/// <summary>Every address the server answers.</summary>
internal static class Endpoints
{
    public static void MapApi(this WebApplication app)
    {
        app.MapHealth();
        app.MapOpenApi("/openapi/{documentName}.json");

        var api = app.MapGroup("/api/v1");
        api.MapEvents();
        api.MapContacts();
        api.MapSuppressions();
        api.MapTemplates();
        api.MapApiKeys();
    }
}
