using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class Events
{
    private const int MostInOneRequest = 1000;

    /// <param name="Accepted">How many were taken now.</param>
    /// <param name="Duplicates">How many were known already.</param>
    /// <param name="Rejected">Those refused, and why.</param>
    internal sealed record Intake(int Accepted, int Duplicates, IReadOnlyList<RejectedEvent> Rejected);

    /// <param name="Index">Its place in the request, from 0.</param>
    /// <param name="EventId">Its id, if it has one.</param>
    /// <param name="Reason">What is wrong with it.</param>
    internal sealed record RejectedEvent(int Index, string? EventId, string Reason);

    public static void MapEvents(this IEndpointRouteBuilder api) => api.MapPost("/events", PostAsync)
        .RequireScope(Scopes.EventsWrite).WithTags("Events")
        .WithSummary("Send one event, or an array of at most 1,000")
        .WithDescription("Durable when answered. One invalid event alone is 400; those of an array are listed in `rejected`.")
        .Accepts<EventDescription.Event[]>("application/json").Produces<Intake>(202)
        .AddOpenApiOperationTransformer((operation, _, _) => EventDescription.DescribeBody(operation, MostInOneRequest));

    private static async Task<IResult> PostAsync(HttpContext context, Caller caller, EventIntake intake, Database database, CancellationToken ct)
    {
        using var body = await RequestBody.ReadJsonAsync(context);
        using var document = body.Parse();
        var now = await database.NowAsync(ct);
        return document.RootElement.ValueKind == JsonValueKind.Array
            ? Results.Accepted(value: await AcceptAllAsync(document.RootElement, now, caller, intake, ct))
            : await AcceptOneAsync(document.RootElement, now, caller, intake, ct);
    }

    private static async Task<IResult> AcceptOneAsync(JsonElement element, DateTimeOffset now, Caller caller, EventIntake intake, CancellationToken ct)
    {
        if (EventReader.Read(element, now, out var problem) is not { } incoming)
        {
            intake.Refused(1);
            return Refuse(problem!);
        }
        var result = await AcceptAsync(intake, caller, [incoming], ct);
        return result.Rejected is [var (_, reason), ..]
            ? Refuse(EventProblem.Of(reason))
            : Results.Accepted(value: new Intake(result.Accepted, result.Duplicates.Count, []));
    }

    private static async Task<Intake> AcceptAllAsync(JsonElement list, DateTimeOffset now, Caller caller, EventIntake intake, CancellationToken ct)
    {
        var count = list.GetArrayLength();
        if (count > MostInOneRequest) throw new InvalidInputException("events", $"are {count}; at most {MostInOneRequest} in one request");
        var good = new List<IncomingEvent>(count);
        var places = new List<int>(count);
        var rejected = new List<RejectedEvent>();
        var index = 0;
        foreach (var element in list.EnumerateArray())
        {
            if (EventReader.Read(element, now, out var problem) is { } incoming)
            {
                good.Add(incoming);
                places.Add(index);
            }
            else rejected.Add(new RejectedEvent(index, EventReader.IdOf(element), problem!.ToString()));
            index++;
        }
        intake.Refused(rejected.Count);
        if (good.Count == 0) return new Intake(0, 0, rejected);

        var result = await AcceptAsync(intake, caller, good, ct);
        rejected.AddRange(result.Rejected.Select(refused => new RejectedEvent(places[refused.Index], good[refused.Index].EventId, refused.Reason)));
        rejected.Sort((one, other) => one.Index.CompareTo(other.Index));
        return new Intake(result.Accepted, result.Duplicates.Count, rejected);
    }

    private static async Task<IntakeResult> AcceptAsync(EventIntake intake, Caller caller, IReadOnlyList<IncomingEvent> events, CancellationToken ct)
    {
        try
        {
            return await intake.AcceptAsync(caller.AccountId, events, ct);
        }
        catch (IntakeFullException full)
        {
            throw new HttpProblem(StatusCodes.Status429TooManyRequests, "Too many events are waiting to be processed. None of these was taken; send them again later.", full.RetryAfter);
        }
    }

    private static IResult Refuse(EventProblem problem) =>
        Problems.Result(problem.IsTooLarge ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest, problem.ToString(), new Dictionary<string, string[]> { [problem.Field] = [problem.Reason] });
}
