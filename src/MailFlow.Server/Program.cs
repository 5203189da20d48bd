using MailFlow.Server.Access;
using MailFlow.Server.Api;
using MailFlow.Server.Elsa;
using MailFlow.Server.Elsa.Viewer;
using MailFlow.Server.Hosting;
using MailFlow.Server.Http;
using MailFlow.Server.Nodes;
using MailFlow.Server.Telemetry;
using MailFlow.Server.WebConsole;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.CheckNames(args).ConfigureHost().ConfigureLogs();
    var roles = builder.Configuration.ReadRoles();
    using var directory = DataDirectory.Take(new Settings(builder.Configuration));

    var delivery = builder.Configuration.ReadDelivery();

    builder.Services.AddServer(roles).AddTelemetry(builder.Configuration, delivery.Node);
    builder.Services.AddEngine();
    builder.Services.AddSingleton(builder.Configuration.ReadRetention());
    builder.Services.AddAudience();
    builder.Services.AddContent();
    builder.Services.AddDelivery(delivery).UseRedisOf(builder.Configuration);
    builder.Services.AddJourneys(builder.Configuration.ReadWebhooks());
    if (roles.Has(NodeRoles.Api)) builder.Services.AddElsaApi();
    if (roles.Has(NodeRoles.Worker)) builder.Services.AddEngineWorkers(delivery.Node).AddAudienceWorkers().AddJourneyWorkers(builder.Configuration.ReadSchedules());
    if (roles.Has(NodeRoles.Sender)) builder.Services.AddDeliveryWorkers();
    if (roles.Has(NodeRoles.Ingest)) builder.Services.AddIngestion(builder.Configuration.ReadIngestion());

    var app = builder.Build();
    await app.PrepareAsync(args);

    app.UseSecurityHeaders();
    app.UseMiddleware<ProblemMiddleware>();
    app.UseRouting();
    if (roles.Has(NodeRoles.Api)) app.UseConsole();
    app.UseHubToken();
    app.UseAuthentication();
    app.UseSameOriginForCookies();
    app.UseAuthorization();
    app.UseAudit();
    app.UseAccountWall();
    app.Use((context, next) =>
    {
        KnownQuery.Check(context);
        return next(context);
    });
    app.UseMiddleware<Idempotency>();
    app.MapHealth();
    app.MapMetrics();
    if (roles.Has(NodeRoles.Api)) app.MapApi().MapElsaApi();
    else app.MapNoApi(roles);

    await app.RunAsync();
    return 0;
}
catch (Exception error) when (StartRefusedException.LineOf(error) is { } line)
{
    await Console.Error.WriteLineAsync(line);
    return 1;
}
