using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace MailFlow.Server.Hosting;

/// <summary>What a person at the terminal is told when the server is up. Key and password are shown to a terminal only, never to a log.</summary>
internal static partial class Greeting
{
    private const string FirstEvent =
        """{"event_id":"e-1","event_type":"user_signed_up","user_id":"u-1","payload":{"contact":{"email":"ada@example.org","first_name":"Ada"}}}""";

    public static void Write(WebApplication app, string? newKey, string? newPassword)
    {
        var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "";
        var settings = app.Services.GetRequiredService<Settings>();
        Ready(app.Logger, url, settings.IsOnSqlite ? "SQLite" : "PostgreSQL", settings.DataDirectory, File.Exists(settings.AdminKeyFile) ? $"in {settings.AdminKeyFile}" : "where this database's first start wrote it");
        if (Console.IsOutputRedirected) return;

        var file = Path.GetRelativePath(Environment.CurrentDirectory, settings.AdminKeyFile);
        var key = newKey is not null ? $"is in {file}: {newKey}"
            : File.Exists(settings.AdminKeyFile) ? $"is in {file}"
            : "is where the first start wrote it; start with --new-admin-key for another";
        var passwordFile = Path.GetRelativePath(Environment.CurrentDirectory, settings.AdminPasswordFile);
        var password = newPassword is not null ? $"{newPassword} (also in {passwordFile})"
            : File.Exists(settings.AdminPasswordFile) ? $"in {passwordFile}"
            : "as you set it; start with --reset-admin for another";
        Console.WriteLine($"""

              MailFlow listens on {url}

              Sign in as {FirstStart.AdminEmail}, password: {password}

              The administrator's API key {key}
              Send a first event:

                curl -s {url}/api/v1/events -H "Authorization: Bearer $(cat {file})" -H 'Content-Type: application/json' \
                  -d '{FirstEvent}'

              and read the mail it sent:

                curl -s "{url}/api/v1/sandbox/messages?to=ada@example.org" -H "Authorization: Bearer $(cat {file})"

            """);
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "MailFlow listens on {Url} and works on {Database}; its directory is {DataDirectory}, the administrator's API key is {AdminKey}")]
    private static partial void Ready(ILogger log, string url, string database, string dataDirectory, string adminKey);
}
