using MailFlow.Data;
using MailFlow.Server.Access;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MailFlow.Server.Telemetry;

/// <summary>
/// Metrics, to be fetched at <c>/metrics</c>; metrics and traces pushed by OTLP where OpenTelemetry's own variable <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says where to. Without it nothing is traced.
/// </summary>
internal static class TelemetrySetup
{
    private const string Ours = "MailFlow.*", RatioSetting = "MailFlow:Telemetry:TraceRatio";
    private const double DefaultRatio = 0.01;

    /// <summary>.NET's own that tell something of a node: the runtime, the web server, the pool of connections to PostgreSQL.</summary>
    private static readonly string[] OfOthers = ["System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Npgsql"];

    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration, string node)
    {
        var ratio = configuration.GetValue<double?>(RatioSetting) ?? DefaultRatio;
        if (ratio is not (>= 0 and <= 1)) throw new InvalidInputException(RatioSetting, "must be from 0 (no traces) to 1 (all)");
        var pushes = configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 };
        services.AddSingleton<ClusterGauges>();
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("mailflow", serviceInstanceId: node));
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(Ours).AddMeter(OfOthers).AddPrometheusExporter();
            if (pushes) metrics.AddOtlpExporter();
        });
        if (pushes)
            telemetry.WithTracing(traces => traces.AddSource(Ours).SetSampler(new InstanceSampler(ratio)).AddOtlpExporter()
                // Recipients' pages are left out: the addresses of those hold tokens.
                .AddAspNetCoreInstrumentation(web => web.Filter = context => context.Request.Path.StartsWithSegments("/api")));
        return services;
    }

    /// <summary>For Prometheus, with a key whose scope is <see cref="Scopes.ClusterRead"/>.</summary>
    public static void MapMetrics(this WebApplication app)
    {
        var gauges = app.Services.GetRequiredService<ClusterGauges>(); // they are there from when it is made
        app.MapPrometheusScrapingEndpoint("/metrics", meterProvider: null, optionsName: null, configureBranchedPipeline: branch => branch.Use(async (context, next) =>
        {
            await gauges.RefreshAsync(context.RequestAborted);
            await next(context);
        })).RequireScope(Scopes.ClusterRead).WithMetadata(new AnsweredBlindly()).WithTags("Health");
    }
}
