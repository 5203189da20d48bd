using System.Text;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class JourneyVersionsApi
{
    private const string Json = "application/json";

    /// <param name="DefinitionId">The id of the new journey; made from the old one's if not said.</param>
    /// <param name="Name">Its name; "Copy of" the old one's if not said.</param>
    internal sealed record CopyInput(string? DefinitionId, string? Name);

    /// <param name="DefinitionId">The new journey's id.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Version">Its version: a draft.</param>
    internal sealed record CopiedJourney(string DefinitionId, string Name, int Version);

    public static void MapJourneyVersions(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/journeys/{definitionId}").WithTags("Journeys");
        group.MapGet("/versions", ListAsync).RequireScope(Scopes.JourneysRead)
            .WithSummary("List the versions, the newest first, with how many wait in each").Produces<Page<VersionSummary>>();
        group.MapGet("/versions/{version:int}", FindAsync).RequireScope(Scopes.JourneysRead).WithSummary("Read a version as Elsa 3 JSON").Produces<object>();
        group.MapGet("/diff", DiffAsync).RequireScope(Scopes.JourneysRead)
            .WithSummary("Compare two versions in words: `from` is the published one and `to` the latest if not said").Produces<VersionDiff>();
        group.MapGet("/publish-preview", PreviewAsync).RequireScope(Scopes.JourneysRead)
            .WithSummary("See what publishing the latest version would find, change, and mean for the contacts who wait").Produces<PublishPreview>();
        group.MapPost("/duplicate", DuplicateAsync).RequireScope(Scopes.JourneysWrite).WithSummary("Copy the latest version into a new journey, as a draft").Produces<CopiedJourney>(201);
    }

    /// <summary>201 with where the copy is.</summary>
    internal static IResult Copied(StoredDefinition copy) =>
        Results.Created($"/api/v1/journeys/{copy.DefinitionId}", new CopiedJourney(copy.DefinitionId, copy.Definition.Name, copy.Version));

    private static Task<Page<VersionSummary>> ListAsync(string definitionId, [AsParameters] Paging paging, Caller caller, JourneyVersions versions, CancellationToken ct) =>
        versions.ListAsync(caller.AccountId, definitionId, paging.Cursor, paging.Size, ct);

    private static async Task<IResult> FindAsync(string definitionId, int version, Caller caller, JourneyDefinitions journeys, CancellationToken ct) =>
        await journeys.FindAsync(caller.AccountId, definitionId, version, ct) is { } found
            ? Results.Text(found.Json, Json, Encoding.UTF8)
            : throw new NotFoundException($"There is no journey '{definitionId}' of version {version}.");

    private static Task<VersionDiff> DiffAsync(string definitionId, int? from, int? to, Caller caller, JourneyVersions versions, CancellationToken ct) =>
        versions.DiffAsync(caller.AccountId, definitionId, from, to, ct);

    private static Task<PublishPreview> PreviewAsync(string definitionId, Caller caller, JourneyVersions versions, CancellationToken ct) =>
        versions.PreviewAsync(caller.AccountId, definitionId, ct);

    private static async Task<IResult> DuplicateAsync(string definitionId, OptionalBody<CopyInput> body, Caller caller, JourneyCopies copies, CancellationToken ct) =>
        Copied(await copies.DuplicateAsync(caller.AccountId, definitionId, body.Value?.DefinitionId, body.Value?.Name, ct));
}
