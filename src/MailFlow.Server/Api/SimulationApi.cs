using MailFlow.Journeys.Simulation;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class SimulationApi
{
    public static void MapSimulation(this IEndpointRouteBuilder api) =>
        // Rendered mail shows what is known of a contact, so reading journeys is not enough.
        api.MapPost("/journeys/{definitionId}/simulate", SimulateAsync).RequireScope(Scopes.JourneysRead).RequireScope(Scopes.ContactsRead).WithTags("Journeys")
            .WithSummary("Run a journey through the real engine on a virtual clock, with scripted events: timeline, mails and end state; nothing is sent or changed")
            .Produces<SimulationResult>().Produces(422, contentType: Problems.ContentType).Produces(429, contentType: Problems.ContentType);

    private static async Task<IResult> SimulateAsync(string definitionId, OptionalBody<SimulationRequest> body, Caller caller, JourneySimulator simulator, CancellationToken ct)
    {
        try
        {
            return Results.Ok(await simulator.RunAsync(caller.AccountId, definitionId, body.Value ?? new SimulationRequest(), ct));
        }
        catch (UnsoundJourneyException unsound)
        {
            return FindingProblems.Result(unsound.Findings);
        }
        catch (SimulatorBusyException busy)
        {
            throw new HttpProblem(429, busy.Message, busy.RetryAfter);
        }
    }
}
