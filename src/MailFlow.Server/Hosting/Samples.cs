using System.Reflection;
using System.Text.Json;
using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;
using MailFlow.Server.Http;

namespace MailFlow.Server.Hosting;

/// <summary>
/// Gives an account the sample templates, segments, purposes and journeys of the folder <c>workflows/</c>, published, through the same doors as anybody.
/// Each sample is given once: one that was changed or deleted stays so.
/// </summary>
internal sealed partial class Samples(
    Database database, Templates templates, Segments segments, Purposes purposes, JourneyDefinitions journeys, JourneyCopies copies, ILogger<Samples> log)
{
    private const string TemplatesFolder = "templates", SegmentsFolder = "segments", PurposesFolder = "purposes", JourneysFolder = "";

    private sealed record Sample(string Name, string Folder, string Key, string Json);

    private sealed record TemplateFile(string? Subject, string Html, string? Text, string? Layout, Engine.Definitions.MessageStream Stream, string? Design);

    private sealed record SegmentFile(string Name, string Rule);

    private sealed record PurposeFile(string Name, string Description, int Position);

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

    /// <summary>The sample journeys, by their ids.</summary>
    public IReadOnlyList<SampleSummary> List() =>
        [.. All().Where(sample => sample.Folder == JourneysFolder).OrderBy(sample => sample.Key, StringComparer.Ordinal).Select(sample =>
        {
            var definition = WorkflowDefinition.Parse(sample.Json);
            return new SampleSummary(sample.Key, definition.Name, definition.Description, definition.ActivityCount);
        })];

    /// <summary>Copies a sample into a journey of the account's own, as a draft, with what it needs and the account has not.</summary>
    /// <exception cref="NotFoundException">There is no such sample.</exception>
    /// <exception cref="ConflictException">There is a journey of that id.</exception>
    public async Task<StoredDefinition> CopyAsync(int accountId, string id, string? newId, string? newName, CancellationToken ct)
    {
        var all = All().ToList();
        var chosen = all.Find(sample => sample.Folder == JourneysFolder && sample.Key == id) ?? throw new NotFoundException($"There is no sample '{id}'.");
        var definition = WorkflowDefinition.Parse(chosen.Json);
        var copy = await copies.CreateAsync(accountId, definition, newId, id, newName ?? JourneyCopies.CopyOf(definition), ct);
        // Named in the definition, or the layout of one that is; a part that no journey names stands in other templates.
        foreach (var part in all.Where(sample => sample.Folder != JourneysFolder && (sample.Key.StartsWith("layout", StringComparison.Ordinal) || Names(chosen.Json, sample.Key))))
            await PutAsync(accountId, part, ct);
        return copy;

        static bool Names(string json, string key) => json.Contains($"\"{key}\"", StringComparison.Ordinal);
    }

    private async Task PutAsync(int accountId, Sample sample, CancellationToken ct)
    {
        switch (sample.Folder)
        {
            // What the account has under the key already is its own.
            case TemplatesFolder when await templates.FindAsync(accountId, sample.Key, null, ct) is null:
                var template = JsonSerializer.Deserialize<TemplateFile>(sample.Json, ApiJson.Options)!;
                await templates.PutAsync(accountId, sample.Key, new TemplateSource(template.Subject ?? "", template.Html, template.Text, template.Layout, template.Stream, template.Design), ct);
                break;
            case SegmentsFolder when await segments.FindAsync(accountId, sample.Key, ct) is null:
                var segment = JsonSerializer.Deserialize<SegmentFile>(sample.Json, ApiJson.Options)!;
                await segments.PutAsync(accountId, sample.Key, segment.Name, segment.Rule, ct);
                break;
            // Not offered: what stands on the preference page an administrator decides, and whoever may write journeys copies samples.
            case PurposesFolder when await purposes.FindAsync(accountId, sample.Key, ct) is null && (await purposes.ListAsync(accountId, ct)).Count < Purposes.Most:
                var purpose = JsonSerializer.Deserialize<PurposeFile>(sample.Json, ApiJson.Options)!;
                await purposes.PutAsync(accountId, sample.Key, purpose.Name, purpose.Description, offered: false, purpose.Position, ct);
                break;
            case JourneysFolder when await journeys.FindAsync(accountId, sample.Key, null, ct) is null:
                await journeys.SaveDraftAsync(accountId, sample.Key, sample.Json, ct);
                var published = await journeys.PublishAsync(accountId, sample.Key, ct);
                if (!published.IsPublished) NotPublished(log, sample.Key, string.Join("; ", published.Findings.Select(finding => finding.Message)));
                break;
        }
    }

    /// <summary>Layouts first, then the templates that use them, then purposes and segments and at last the journeys that use all of these.</summary>
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
            orderby folder switch { TemplatesFolder => 0, PurposesFolder or SegmentsFolder => 1, _ => 2 }, json.Contains("\"layout\"", StringComparison.Ordinal), name
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

/// <summary>A sample journey in the list.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Description">What it shows.</param>
/// <param name="Activities">How many activities it has.</param>
internal sealed record SampleSummary(string Id, string Name, string? Description, int Activities);
