using MailFlow.Journeys.Simulation;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Authorization;

namespace MailFlow.Server.Api;

internal static class SimulationApi
{
    public static void MapSimulation(this IEndpointRouteBuilder api) =>
        api.MapPost("/journeys/{definitionId}/simulate", SimulateAsync).RequireScope(Scopes.JourneysRead).WithTags("Journeys")
            .WithSummary("Run a journey through the real engine on a virtual clock, with scripted events: timeline, mails and end state; nothing is sent or changed")
            .Produces<SimulationResult>().Produces(422, contentType: Problems.ContentType).Produces(429, contentType: Problems.ContentType);

    private static async Task<IResult> SimulateAsync(
        string definitionId, OptionalBody<SimulationRequest> body, Caller caller, HttpContext context, IAuthorizationService access, JourneySimulator simulator, CancellationToken ct)
    {
        var request = body.Value ?? new SimulationRequest();
        // A mail that is rendered shows what is known of the contact.
        if (request.UserId is not null && !(await access.AuthorizeAsync(context.User, Scopes.ContactsRead)).Succeeded)
            throw new HttpProblem(403, $"To simulate with a contact of the account, the scope '{Scopes.ContactsRead}' is needed.");
        try
        {
            return Results.Ok(await simulator.RunAsync(caller.AccountId, definitionId, request, ct));
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
