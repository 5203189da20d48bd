using System.Reflection;
using System.Text.Json;
using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Http;

namespace MailFlow.Server.Hosting;

/// <summary>
/// Gives an account the sample templates, segments and journeys of the folder <c>workflows/</c>, published, through the same doors as anybody.
/// Each sample is given once: one that was changed or deleted stays so.
/// </summary>
internal sealed partial class Samples(
    Database database, Templates templates, Segments segments, JourneyDefinitions journeys, ILogger<Samples> log)
{
    private sealed record Sample(string Name, string Folder, string Key, string Json);

    private sealed record TemplateFile(string? Subject, string Html, string? Text, string? Layout, Engine.Definitions.MessageStream Stream);

    private sealed record SegmentFile(string Name, string Rule);

    public async Task SeedAsync(int accountId, CancellationToken ct)
    {
        var given = await database.ReadAsync(session => session.QueryAsync(
            "SELECT name FROM sample WHERE account_id = @account", row => row.Text(0), ct, ("account", accountId)), ct);
        foreach (var sample in All().Where(sample => !given.Contains(sample.Name)))
        {
            await PutAsync(accountId, sample, ct);
            await database.WriteAsync(async session => await session.ExecuteAsync(
                "INSERT INTO sample (account_id, name, created_at) VALUES (@account, @name, @now) ON CONFLICT DO NOTHING", ct,
                ("account", accountId), ("name", sample.Name), ("now", await session.NowAsync(ct))), ct);
        }
    }

    private async Task PutAsync(int accountId, Sample sample, CancellationToken ct)
    {
        switch (sample.Folder)
        {
            // What the account has under the key already is its own.
            case "templates" when await templates.FindAsync(accountId, sample.Key, null, ct) is null:
                var template = JsonSerializer.Deserialize<TemplateFile>(sample.Json, ApiJson.Options)!;
                await templates.PutAsync(accountId, sample.Key, new TemplateSource(template.Subject ?? "", template.Html, template.Text, template.Layout, template.Stream), ct);
                break;
            case "segments" when await segments.FindAsync(accountId, sample.Key, ct) is null:
                var segment = JsonSerializer.Deserialize<SegmentFile>(sample.Json, ApiJson.Options)!;
                await segments.PutAsync(accountId, sample.Key, segment.Name, segment.Rule, ct);
                break;
            case "" when await journeys.FindAsync(accountId, sample.Key, null, ct) is null:
                await journeys.SaveDraftAsync(accountId, sample.Key, sample.Json, ct);
                var published = await journeys.PublishAsync(accountId, sample.Key, ct);
                if (!published.IsPublished) NotPublished(log, sample.Key, string.Join("; ", published.Findings.Select(finding => finding.Message)));
                break;
        }
    }

    /// <summary>Layouts first, then the templates that use them, then the segments and at last the journeys that use all of these.</summary>
    private static IEnumerable<Sample> All()
    {
        const string prefix = "samples/";
        var assembly = Assembly.GetExecutingAssembly();
        return
            from resource in assembly.GetManifestResourceNames()
            where resource.StartsWith(prefix, StringComparison.Ordinal)
            let name = resource[prefix.Length..].Replace('\\', '/')
            let folder = Path.GetDirectoryName(name)!
            let json = Read(assembly, resource)
            orderby folder switch { "templates" => 0, "segments" => 1, _ => 2 }, json.Contains("\"layout\"", StringComparison.Ordinal), name
            select new Sample(name, folder, Path.GetFileNameWithoutExtension(name), json);
    }

    private static string Read(Assembly assembly, string resource)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "The sample journey {Journey} could not be published: {Findings}")]
    private static partial void NotPublished(ILogger log, string journey, string findings);
}
