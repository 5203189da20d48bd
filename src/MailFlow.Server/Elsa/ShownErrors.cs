using System.Text.Json;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace MailFlow.Server.Elsa;

/// <summary>Marks an endpoint that Studio shows refusals of, if they come as it expects.</summary>
internal sealed record ShowsRefusals;

/// <summary>A save, a publish or the like is refused: each message is shown to the user.</summary>
internal sealed class RefusedException(IReadOnlyList<string> messages) : Exception(string.Join(' ', messages))
{
    public RefusedException(string message) : this([message]) { }

    public IReadOnlyList<string> Messages { get; } = messages;
}

/// <summary>
/// Of all answers to a save, Studio shows its user only a 400 whose <c>errors</c> have a member <c>model.root</c>: one red message for each text. A 401, 409
/// or 500 is swallowed, and the user goes on drawing what is never saved. So what is refused here is told in that form, whatever the reason.
/// </summary>
internal sealed class ShownErrors : IEndpointFilter, IAuthorizationMiddlewareResultHandler
{
    private readonly AuthorizationMiddlewareResultHandler _usual = new();

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (RefusedException refused)
        {
            return Answer(refused.Messages);
        }
        catch (Exception error) when (IsShown(context.HttpContext) && error is InvalidInputException or NotFoundException or ConflictException or HttpProblem { Status: < 500 } or JsonException)
        {
            return Answer([error is InvalidInputException input ? $"{input.Field} {input.Problem}." : error.Message]);
        }
    }

    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult result)
    {
        if (result.Succeeded || !IsShown(context))
        {
            await _usual.HandleAsync(next, context, policy, result);
            return;
        }
        await Answer([result.Challenged
            ? "Your session has ended, so this was not saved. Sign in again in another tab, then save once more here."
            : $"You may look, but not change: this needs the right '{context.GetEndpoint()?.Metadata.GetMetadata<ScopeNeeded>()?.Scope ?? Scopes.Admin}'."]).ExecuteAsync(context);
    }

    private static bool IsShown(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<ShowsRefusals>() is not null;

    private static IResult Answer(IReadOnlyList<string> messages) => Results.Json(
        new { type = "about:blank", title = "Refused", status = 400, detail = string.Join(' ', messages), errors = new Dictionary<string, IReadOnlyList<string>> { ["model.root"] = messages } },
        ElsaJson.Options, Problems.ContentType, 400);
}
