using MailFlow.Server.Access;
using MailFlow.Server.Api;
using MailFlow.Server.Elsa;
using MailFlow.Server.Elsa.Viewer;
using MailFlow.Server.Hosting;
using MailFlow.Server.Http;
using MailFlow.Server.WebConsole;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.ConfigureHost().ConfigureLogs();
    using var directory = DataDirectory.Take(new Settings(builder.Configuration));

    var delivery = builder.Configuration.ReadDelivery();

    builder.Services.AddServer();
    builder.Services.AddElsaApi();
    builder.Services.AddEngine().AddEngineWorkers(delivery.Node);
    builder.Services.AddSingleton(builder.Configuration.ReadRetention());
    builder.Services.AddAudience().AddAudienceWorkers();
    builder.Services.AddContent();
    builder.Services.AddDelivery(delivery).UseRedisOf(builder.Configuration).AddDeliveryWorkers();
    builder.Services.AddJourneys(builder.Configuration.ReadWebhooks()).AddJourneyWorkers(builder.Configuration.ReadSchedules());

    var app = builder.Build();
    await app.PrepareAsync(args);

    app.UseSecurityHeaders();
    app.UseMiddleware<ProblemMiddleware>();
    app.UseRouting();
    app.UseConsole();
    app.UseHubToken();
    app.UseAuthentication();
    app.UseSameOriginForCookies();
    app.UseAuthorization();
    app.UseAudit();
    app.UseAccountWall();
    app.UseMiddleware<Idempotency>();
    app.MapApi();
    app.MapElsaApi();

    await app.RunAsync();
    return 0;
}
catch (Exception error) when (StartRefusedException.LineOf(error) is { } line)
{
    await Console.Error.WriteLineAsync(line);
    return 1;
}
