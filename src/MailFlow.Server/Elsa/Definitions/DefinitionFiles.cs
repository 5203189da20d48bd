using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Definitions as files: Elsa's JSON, one by one or in a zip.</summary>
internal static class DefinitionFiles
{
    private const int MostFiles = 200;

    internal sealed record Chosen(IReadOnlyList<string>? Ids);

    public static void MapDefinitionFiles(this IEndpointRouteBuilder api)
    {
        api.MapGet("/workflow-definitions/{definitionId}/export", ExportAsync).RequireScope(Scopes.JourneysRead);
        api.MapPost("/bulk-actions/export/workflow-definitions", BulkExportAsync).RequireScope(Scopes.JourneysRead);
        var writing = api.MapGroup("").RequireScope(Scopes.JourneysWrite).WithMetadata(new ShowsRefusals());
        writing.MapPost("/workflow-definitions/import", ImportAsync);
        writing.MapPut("/workflow-definitions/import", ImportAsync);
        writing.MapPost("/workflow-definitions/import-files", ImportFilesAsync);
    }

    private static async Task<IResult> ExportAsync(string definitionId, string? versionOptions, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        var stored = await DefinitionEndpoints.FindAsync(journeys, caller.AccountId, definitionId, versionOptions, ct) ?? throw new NotFoundException($"There is no journey '{definitionId}'.");
        return Results.File(Encoding.UTF8.GetBytes(stored.Definition.ToJson(indented: true)), "application/json", FileName(stored));
    }

    private static async Task<IResult> BulkExportAsync(ElsaBody<Chosen> body, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        var keys = (body.Value.Ids ?? []).Select(id => long.TryParse(id, out var key) ? key : 0).ToList();
        var found = await journeys.FindAsync(caller.AccountId, VersionChoice.All, null, keys, ct);
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var stored in found)
            {
                await using var entry = await zip.CreateEntry(FileName(stored)).OpenAsync(ct);
                await entry.WriteAsync(Encoding.UTF8.GetBytes(stored.Definition.ToJson(indented: true)), ct);
            }
        }
        return Results.File(file.ToArray(), "application/zip", "journeys.zip");
    }

    private static async Task<IResult> ImportAsync(HttpContext context, StudioRights rights, StudioSaves saves, StudioDefinitions definitions, CancellationToken ct)
    {
        using var body = await RequestBody.ReadJsonAsync(context);
        ForbiddenText.ThrowIfIn(body.Bytes);
        var saved = await saves.ImportAsync(rights, Read(body.Bytes.Span), ct);
        return ElsaJson.Tree(definitions.Whole(saved, rights, EditingToken.Open(saved.Definition.ContentHash)));
    }

    private static async Task<IResult> ImportFilesAsync(HttpContext context, StudioRights rights, StudioSaves saves, CancellationToken ct)
    {
        if (!context.Request.HasFormContentType) throw new HttpProblem(415, "Send the files as multipart/form-data.");
        if (context.Request.ContentLength > RequestBody.MaxBytes) throw new HttpProblem(413, RequestBody.TooLarge);
        var (count, unpacked) = (0, new Unpacked());
        foreach (var file in (await context.Request.ReadFormAsync(ct)).Files)
        {
            await using var stream = file.OpenReadStream();
            foreach (var document in await DocumentsAsync(file.FileName, stream, unpacked, ct))
            {
                await saves.ImportAsync(rights, document, ct);
                count++;
            }
        }
        return ElsaJson.Answer(new { Count = count });
    }

    private static async Task<IReadOnlyList<JsonObject>> DocumentsAsync(string name, Stream stream, Unpacked unpacked, CancellationToken ct)
    {
        if (!name.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)) return [Read(await unpacked.ReadAsync(stream, ct))];
        try
        {
            await using var zip = new ZipArchive(new MemoryStream(await new Unpacked().ReadAsync(stream, ct)), ZipArchiveMode.Read);
            var entries = zip.Entries.Where(entry => entry.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)).ToList();
            if (entries.Count > MostFiles) throw new InvalidInputException(name, $"holds more than {MostFiles} files");
            var documents = new List<JsonObject>();
            foreach (var entry in entries)
            {
                await using var file = await entry.OpenAsync(ct);
                documents.Add(Read(await unpacked.ReadAsync(file, ct)));
            }
            return documents;
        }
        catch (InvalidDataException)
        {
            throw new InvalidInputException(name, "is no zip file that can be read");
        }
    }

    private static JsonObject Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        try
        {
            return JsonNode.Parse(bytes, documentOptions: new() { MaxDepth = 128, AllowDuplicateProperties = false }) as JsonObject ?? throw new InvalidInputException("definition", "is not a JSON object");
        }
        catch (JsonException error)
        {
            throw new InvalidInputException("definition", $"is not JSON that can be read: {error.Message}");
        }
    }

    private static string FileName(StoredDefinition stored) => $"{stored.DefinitionId}-v{stored.Version}.json";

    /// <summary>A small zip may hold a huge file, or many large ones: what the files of one request unpack to, all together, is measured, not what they say.</summary>
    private sealed class Unpacked
    {
        private long _bytes;

        public async Task<byte[]> ReadAsync(Stream stream, CancellationToken ct)
        {
            using var bytes = new MemoryStream();
            var buffer = new byte[64 * 1024];
            for (int read; (read = await stream.ReadAsync(buffer, ct)) > 0;)
            {
                if ((_bytes += read) > RequestBody.MaxBytes) throw new HttpProblem(413, $"The files of a request hold at most {RequestBody.MaxBytes / 1024 / 1024} MB, unpacked.");
                bytes.Write(buffer, 0, read);
            }
            return bytes.ToArray();
        }
    }
}
