namespace MailFlow.Server.Api;

/// <summary>Every address the server answers.</summary>
internal static class Endpoints
{
    public static void MapApi(this WebApplication app)
    {
        app.MapHealth();
        app.MapUnsubscribe();
        app.MapPreferences();
        app.MapTracking();
        app.MapOpenApi("/openapi/{documentName}.json");

        var api = app.MapGroup("/api/v1");
        api.MapEvents();
        api.MapContacts();
        api.MapContactRecords();
        api.MapFields();
        api.MapSuppressions();
        api.MapPurposes();
        api.MapPrivacy();
        api.MapAccount();
        api.MapSegments();
        api.MapTemplates();
        api.MapTemplateTrials();
        api.MapJourneys();
        api.MapRevisions();
        api.MapJourneyVersions();
        api.MapInstances();
        api.MapJourneyInstances();
        api.MapDeadLetters();
        api.MapSimulation();
        api.MapSamples();
        api.MapMessages();
        api.MapSender();
        api.MapConnections();
        api.MapSending();
        api.MapDomains();
        api.MapWebhooks();
        api.MapWebhookEndpoints();
        api.MapTrackingSettings();
        api.MapApiKeys();
        api.MapSession();
        api.MapUsers();
        api.MapAudit();
    }
}
