using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Hosting;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class SamplesApi
{
    public static void MapSamples(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/samples").WithTags("Journeys");
        group.MapGet("", List).RequireScope(Scopes.JourneysRead).WithSummary("List the sample journeys").Produces<Page<SampleSummary>>();
        group.MapPost("/{id}/copy", CopyAsync).RequireScope(Scopes.JourneysWrite)
            .WithSummary("Copy a sample into a journey of the account, as a draft, with those of its templates, segments and purposes that are missing").Produces<JourneyVersionsApi.CopiedJourney>(201);
    }

    private static Page<SampleSummary> List(Samples samples) => new(samples.List(), null);

    private static async Task<IResult> CopyAsync(string id, OptionalBody<JourneyVersionsApi.CopyInput> body, Caller caller, Samples samples, CancellationToken ct) =>
        JourneyVersionsApi.Copied(await samples.CopyAsync(caller.AccountId, id, body.Value?.DefinitionId, body.Value?.Name, ct));
}
