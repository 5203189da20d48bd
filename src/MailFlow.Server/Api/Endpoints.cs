using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>Every address that a node answers whose role is to: health and metrics are any node's.</summary>
internal static class Endpoints
{
    public static WebApplication MapApi(this WebApplication app)
    {
        app.MapUnsubscribe();
        app.MapPreferences();
        app.MapTracking();
        app.MapOpenApi("/openapi/{documentName}.json");

        var api = app.MapGroup("/api/v1");
        KnownQuery.Add(api);
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
        api.MapCluster();
        return app;
    }
}
