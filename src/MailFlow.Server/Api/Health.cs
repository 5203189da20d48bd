using MailFlow.Server.Hosting;

namespace MailFlow.Server.Api;

internal static class Health
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        var group = app.MapGroup("/health").AllowAnonymous().WithTags("Health");
        group.MapGet("/live", () => Results.Ok(new { Status = "live" })).WithSummary("Whether the process answers");
        group.MapGet("/ready", ReadyAsync).WithSummary("Whether it can do its work");
    }

    private static async Task<IResult> ReadyAsync(Readiness readiness, CancellationToken ct) =>
        await readiness.ObstacleAsync(ct) is { } obstacle
            ? Results.Json(new { Status = "not ready", Reason = obstacle }, statusCode: StatusCodes.Status503ServiceUnavailable)
            : Results.Ok(new { Status = "ready" });
}
