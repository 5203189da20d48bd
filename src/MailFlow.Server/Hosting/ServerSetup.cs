using System.Reflection;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Storage;
using MailFlow.Ingestion;
using MailFlow.Journeys;
using MailFlow.Journeys.Webhooks;
using MailFlow.Server.Access;
using MailFlow.Server.Api;
using MailFlow.Server.Http;
using MailFlow.Server.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailFlow.Server.Hosting;

/// <summary>The steps of <c>Program.cs</c>, each with its reasons.</summary>
internal static partial class ServerSetup
{
    private static readonly (string Category, LogLevel Level)[] Quiet =
    [
        ("Microsoft.AspNetCore", LogLevel.Warning),
        (typeof(ApiKeyAuthentication).FullName!, LogLevel.Warning),
        ("Microsoft.AspNetCore.DataProtection", LogLevel.Error), // warns that keys are kept as they are: docs/operate.md says so
    ];

    /// <summary>What is under way has so long to end, once a stop is asked for: enough below the ten seconds after which others lose patience.</summary>
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(8);

    private const string DefaultUrl = "http://127.0.0.1:5080", NewAdminKey = "--new-admin-key", ResetAdmin = "--reset-admin";
    private static readonly string[] Flags = [NewAdminKey, ResetAdmin];

    private static readonly string[] ConnectionNames = ["MailFlow", "Redis"];
    private static readonly string[] Sections = ["DataDirectory", "Roles", "Region", "Samples", "Telemetry", "Ingestion", "Delivery", "Retention", "Webhooks"];

    /// <summary>The modules that carry a schema, those depended on first.</summary>
    private static readonly Assembly[] Modules =
    [
        typeof(Database).Assembly,
        typeof(Engine.Activities.Contact).Assembly,
        typeof(Audience.Contacts).Assembly,
        typeof(Content.Templates).Assembly,
        typeof(Delivery.Messages).Assembly,
        typeof(Journeys.JourneyDefinitions).Assembly,
        typeof(ServerSetup).Assembly,
    ];

    /// <summary>Reachable from this machine alone unless <c>ASPNETCORE_URLS</c> says otherwise; room for a stop without loss.</summary>
    public static WebApplicationBuilder ConfigureHost(this WebApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey])) builder.WebHost.UseUrls(DefaultUrl);
        ListenAddresses.Check(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 4 * RequestBody.MaxBytes; // above our own limit, so that ours can answer
        });
        builder.Services.Configure<HostOptions>(host => (host.ShutdownTimeout, host.ServicesStopConcurrently) = (LongestDrain, true));
        return builder;
    }

    /// <summary>One line of JSON an entry, for machines; readable lines on a terminal. Requests are not logged: an unsubscribe link holds a token.</summary>
    public static WebApplicationBuilder ConfigureLogs(this WebApplicationBuilder builder)
    {
        var defaults = new MemoryConfigurationSource { InitialData = Quiet.Select(quiet => KeyValuePair.Create($"Logging:LogLevel:{quiet.Category}", (string?)quiet.Level.ToString())) };
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, defaults); // beneath appsettings.json and the environment
        builder.Logging.ClearProviders();
        if (Console.IsOutputRedirected) builder.Logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"));
        else builder.Logging.AddSimpleConsole(simple => (simple.SingleLine, simple.TimestampFormat) = (true, "HH:mm:ss "));
        return builder;
    }

    /// <summary>The clock, the database and what the API itself needs.</summary>
    public static IServiceCollection AddServer(this IServiceCollection services, NodeRoles roles)
    {
        services.AddSingleton(typeof(NodeRoles), roles);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Settings>();
        services.AddSingleton(provider => provider.GetRequiredService<Settings>().OpenDatabase(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<FirstStart>();
        services.AddSingleton<Samples>();
        services.AddSingleton<WarmUp>();
        services.AddSingleton<Readiness>();
        services.AddSingleton<NodeHints>();
        services.AddHostedService<HintRelay>();
        services.AddHostedService<NodeRegistry>();
        services.AddSingleton<Cluster>();
        services.AddSingleton(Idempotency.Kept);
        services.AddAccess();
        services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true); // ProblemMiddleware answers
        services.AddOpenApi("v1", OpenApiDocument.Configure);
        services.Configure<OpenApiOptions>("v1", OpenApiTypes.Configure);
        services.Configure<OpenApiOptions>("v1", EventDescription.Configure);
        return services;
    }

    /// <summary>
    /// The section <c>MailFlow:Delivery</c>. Without a node's name, <see cref="NodeName"/> gives one; without a public address, links in mail lead to where the
    /// server listens.
    /// </summary>
    public static DeliveryOptions ReadDelivery(this IConfiguration configuration)
    {
        var section = configuration.GetSection("MailFlow:Delivery");
        var options = configuration.Read<DeliveryOptions>("MailFlow:Delivery") with { DataRegion = configuration["MailFlow:Region"] is { Length: > 0 } region ? region : null };
        if (string.IsNullOrEmpty(section[nameof(DeliveryOptions.Node)])) options = options with { Node = NodeName.Take(new Settings(configuration).CreateDataDirectory()) };
        if (!string.IsNullOrEmpty(section[nameof(DeliveryOptions.PublicBaseUrl)])) return options;
        var url = (configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls ? urls : DefaultUrl).Split(';')[0];
        return options with { PublicBaseUrl = Wildcard().Replace(url, "//localhost").TrimEnd('/') };
    }

    /// <summary><c>ConnectionStrings__Redis</c>, where it is set.</summary>
    public static IServiceCollection UseRedisOf(this IServiceCollection services, IConfiguration configuration) =>
        configuration.GetConnectionString("Redis") is { Length: > 0 } redis ? services.UseRedis(redis) : services;

    /// <summary>The section <c>MailFlow:Retention</c>.</summary>
    public static RetentionOptions ReadRetention(this IConfiguration configuration) => configuration.Read<RetentionOptions>("MailFlow:Retention");

    /// <summary>Schedules are kept where the nodes share them, if there is such a place.</summary>
    public static ScheduleOptions ReadSchedules(this IConfiguration configuration) => new(new Settings(configuration).GuardedConnectionString());

    /// <summary>The section <c>MailFlow:Webhooks</c>.</summary>
    public static WebhookOptions ReadWebhooks(this IConfiguration configuration)
    {
        var options = configuration.Read<WebhookOptions>("MailFlow:Webhooks");
        return options.Validate() is [var wrong, ..] ? throw new StartRefusedException($"MailFlow:Webhooks:{wrong}") : options;
    }

    /// <summary>The section <c>MailFlow:Ingestion</c>.</summary>
    public static IngestionOptions ReadIngestion(this IConfiguration configuration) => configuration.Read<IngestionOptions>(IngestionOptions.Section);

    /// <summary>Refuses a flag or a setting of ours that is not known: passed over, a misspelt one would do nothing without a word. (Those of the sections are refused as they are read.)</summary>
    public static WebApplicationBuilder CheckNames(this WebApplicationBuilder builder, string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            // "--urls http://…" and "--urls=http://…" are settings.
            var isFlag = args[i].StartsWith("--", StringComparison.Ordinal) && !args[i].Contains('=') && (i + 1 == args.Length || args[i + 1].StartsWith("--", StringComparison.Ordinal));
            if (isFlag && !Flags.Contains(args[i])) throw new StartRefusedException($"{args[i]} {KnownMembers.Unknown(Flags, args[i])}");
        }
        if (builder.Configuration.GetSection("MailFlow").GetChildren().FirstOrDefault(child => !Sections.Contains(child.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            throw new StartRefusedException($"MailFlow: there is no setting '{unknown.Key}', but {string.Join(", ", Sections)}");
        // A misspelt one would have the server begin on an empty SQLite file in silence.
        if (builder.Configuration.GetSection("ConnectionStrings").GetChildren().FirstOrDefault(child => !ConnectionNames.Contains(child.Key, StringComparer.OrdinalIgnoreCase)) is { } connection)
            throw new StartRefusedException($"ConnectionStrings: there is no '{connection.Key}', but {string.Join(", ", ConnectionNames)}");
        return builder;
    }

    /// <summary>A section. A setting that it does not know stops the start: a misspelt topic would leave events unread in silence.</summary>
    private static T Read<T>(this IConfiguration configuration, string section) where T : class, new()
    {
        try
        {
            return configuration.GetSection(section).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new T();
        }
        catch (InvalidOperationException error)
        {
            // The binder lists unknown settings at the end of a sentence about itself.
            var problem = error.Message.Contains(nameof(BinderOptions.ErrorOnUnknownConfiguration), StringComparison.Ordinal) ? $"there is no setting {error.Message.Split(": ")[^1]}" : error.Message;
            throw new StartRefusedException($"{section}: {problem}", error);
        }
    }

    /// <summary>Before anything listens or works, though not before it is known that it will be able to listen: the schema, account 1 with its key and its administrator, the samples.</summary>
    public static async Task PrepareAsync(this WebApplication app, string[] args)
    {
        var ct = app.Lifetime.ApplicationStopping;
        ListenAddresses.Try(app);
        var database = app.Services.GetRequiredService<Database>();
        var (key, password) = await database.AloneAsync("start", () => FillAsync(app, database, args, ct), ct, () => Waits(app.Logger));
        await app.Services.GetRequiredService<WarmUp>().RunAsync(FirstStart.AccountId, ct);
        app.Lifetime.ApplicationStarted.Register(() => Greeting.Write(app, key, password));
    }

    /// <summary>One node after another, where several start together: samples are put in by several commits.</summary>
    private static async Task<(string? Key, string? Password)> FillAsync(WebApplication app, Database database, string[] args, CancellationToken ct)
    {
        await Migrator.ApplyAsync(database, Modules, ct, file => WaitsForLock(app.Logger, $"Schema file {file}"));
        if (await Migrator.UnknownAsync(database, Modules, ct) is { Count: > 0 } unknown) NewerSchema(app.Logger, string.Join(", ", unknown));
        if (await AccountWall.BuildAsync(database, ct, () => WaitsForLock(app.Logger, "The second wall between accounts")) is { } statements) NoWall(app.Logger, statements);
        await app.Services.GetRequiredService<MonthlyPartitions>().MakeAheadAsync(ct);
        // The keys that seal are read here: where none holds yet by this node's clock, or any more, one is made, and whoever opened the first secret within a write could not do that.
        app.Services.GetRequiredService<ISecretBox>().Seal("");
        var start = app.Services.GetRequiredService<FirstStart>();
        var key = await start.RunAsync(ct);
        if (args.Contains(NewAdminKey)) key ??= await start.RenewAsync(ct);
        if (app.Services.GetService<IngestionOptions>() is { } ingestion) await start.RequireAsync(ingestion.AccountId, $"{IngestionOptions.Section}:{nameof(IngestionOptions.AccountId)}", ct);
        var password = await start.MakeAdminAsync(ct);
        if (args.Contains(ResetAdmin)) password ??= await start.ResetAdminAsync(ct);
        if (app.Services.GetRequiredService<Settings>().GivesSamples) await app.Services.GetRequiredService<Samples>().SeedAsync(FirstStart.AccountId, ct);
        return (key, password);
    }

    /// <summary>It goes on: schema files only add, and in the course of a rolling upgrade, or of its way back, this is how things stand.</summary>
    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "A newer version of MailFlow has been on this database ({Files}); this one works on, and is to be upgraded before long")]
    private static partial void NewerSchema(ILogger log, string files);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning,
        Message = "PostgreSQL's second wall between accounts is missing, because this user may not make roles: have a database administrator run \"{Statements}\", and restart")]
    private static partial void NoWall(ILogger log, string statements);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "Another node is setting up this database; this one waits for it")]
    private static partial void Waits(ILogger log);

    [LoggerMessage(EventId = 5, Level = LogLevel.Warning,
        Message = "{Change} waits for a table that others hold, such as a back-up or a long query: it is tried again until it is let in, and this node starts then")]
    private static partial void WaitsForLock(ILogger log, string change);

    [GeneratedRegex(@"//(\*|\+|0\.0\.0\.0|\[::\])")]
    private static partial Regex Wildcard();
}
