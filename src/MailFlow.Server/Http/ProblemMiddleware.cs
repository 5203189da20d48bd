using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using MailFlow.Data;
using Microsoft.AspNetCore.Http.Metadata;

namespace MailFlow.Server.Http;

/// <summary>Turns what went wrong into an answer a caller can act on, once, for every endpoint. What is ours to mend is logged, and not shown.</summary>
internal sealed partial class ProblemMiddleware(RequestDelegate next, Database database, ILogger<ProblemMiddleware> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            if (context.Request.Path.Value?.Contains('\0') == true || context.Request.QueryString.Value?.Contains("%00", StringComparison.Ordinal) == true)
                throw new InvalidInputException("url", "holds a NUL character");
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null })
                await Problems.WriteAsync(context, context.Response.StatusCode, Explain(context, context.Response.StatusCode));
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            SecurityHeaders.Set(context.Response.Headers);
            await AnswerAsync(context, error);
        }
    }

    private async Task AnswerAsync(HttpContext context, Exception error)
    {
        switch (error)
        {
            case InvalidInputException invalid:
                await Problems.WriteAsync(context, 400, invalid.Message, new Dictionary<string, string[]> { [invalid.Field] = [invalid.Problem] });
                break;
            case NotFoundException:
                await Problems.WriteAsync(context, 404, error.Message);
                break;
            case ConflictException:
                await Problems.WriteAsync(context, 409, error.Message);
                break;
            case HttpProblem problem:
                if (problem.RetryAfter is { } wait) context.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString();
                await Problems.WriteAsync(context, problem.Status, problem.Message);
                break;
            case JsonException json:
                var (detail, errors) = BadJson.Describe(json);
                await Problems.WriteAsync(context, 400, detail, errors);
                break;
            case BadHttpRequestException bad:
                var parameter = Parameter().Match(bad.Message);
                var (name, form) = KnownQuery.Describe(context, parameter.Groups[1].Value);
                await Problems.WriteAsync(context, bad.StatusCode, parameter.Success ? "A parameter has the wrong form." : Explain(context, bad.StatusCode) ?? bad.Message, parameter.Success
                    ? new Dictionary<string, string[]> { [name] = [$"'{parameter.Groups[2].Value}' is not of the right form{(form is null ? "" : $": it must be {form}")}"] }
                    : null);
                break;
            case OperationCanceledException when context.RequestAborted.IsCancellationRequested:
                context.Response.StatusCode = 499; // nobody reads it; the access log does
                break;
            case var _ when database.Dialect.IsTransient(error):
                Unavailable(log, context.Request.Method, context.Request.Path, error);
                context.Response.Headers.RetryAfter = "1";
                await Problems.WriteAsync(context, 503, "The database is busy or cannot be reached. Nothing was done; try again.");
                break;
            default:
                Failed(log, context.Request.Method, context.Request.Path, error);
                await Problems.WriteAsync(context, 500, "Something went wrong here. The log has the details under this trace id.",
                    more: new Dictionary<string, object?> { ["trace_id"] = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier });
                break;
        }
    }

    private static string? Explain(HttpContext context, int status) => status switch
    {
        413 => context.GetEndpoint()?.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize is { } most ? $"This takes at most {most / 1024 / 1024} MB: split the file." : RequestBody.TooLarge,
        415 => RequestBody.NotJson,
        404 => "There is nothing at this address.",
        405 => $"This address does not take {context.Request.Method}; see the header Allow.",
        _ => null,
    };

    [GeneratedRegex("""bind parameter "(?:\S+ )?(\w+)" from "(.*)"\.""")]
    private static partial Regex Parameter();

    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void Failed(ILogger log, string method, PathString path, Exception error);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "{Method} {Path} could not reach the database")]
    private static partial void Unavailable(ILogger log, string method, PathString path, Exception error);
}

/// <summary>An answer of HTTP's own kind (413, 415, 422, 429 …), thrown where a request is read.</summary>
internal sealed class HttpProblem(int status, string detail, TimeSpan? retryAfter = null) : Exception(detail)
{
    public int Status { get; } = status;

    public TimeSpan? RetryAfter { get; } = retryAfter;
}
