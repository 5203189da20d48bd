using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;

namespace MailFlow.Server.Http;

/// <summary>Errors as <c>application/problem+json</c> (RFC 9457); <c>errors</c> names the fields.</summary>
internal static class Problems
{
    public const string ContentType = "application/problem+json";

    /// <summary>Writes one as the answer.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="detail">What is wrong and what to do about it, to a person.</param>
    /// <param name="errors">The fields at fault and what is wrong with each.</param>
    /// <param name="more">Further members.</param>
    public static Task WriteAsync(HttpContext context, int status, string? detail,
        IReadOnlyDictionary<string, string[]>? errors = null, IReadOnlyDictionary<string, object?>? more = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = ContentType;
        return JsonSerializer.SerializeAsync(context.Response.Body, Members(status, detail, errors, more), ApiJson.Options, context.RequestAborted);
    }

    /// <summary>One as a handler's result.</summary>
    public static IResult Result(int status, string detail, IReadOnlyDictionary<string, string[]>? errors = null, IReadOnlyDictionary<string, object?>? more = null) =>
        Results.Json(Members(status, detail, errors, more), ApiJson.Options, ContentType, status);

    private static Dictionary<string, object?> Members(
        int status, string? detail, IReadOnlyDictionary<string, string[]>? errors, IReadOnlyDictionary<string, object?>? more)
    {
        var members = new Dictionary<string, object?>
        {
            ["type"] = "about:blank",
            ["title"] = ReasonPhrases.GetReasonPhrase(status),
            ["status"] = status,
        };
        if (detail is not null) members["detail"] = detail;
        if (errors is not null) members["errors"] = errors;
        foreach (var (name, value) in more ?? Data.JsonData.Empty) members[name] = value;
        return members;
    }
}
