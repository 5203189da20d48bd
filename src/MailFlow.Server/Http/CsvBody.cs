using MailFlow.Audience.Importing;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Http;

/// <summary>A request whose body is CSV, read as it comes in.</summary>
internal static class CsvBody
{
    /// <summary>Says that an endpoint takes CSV up to so many bytes; an <c>Idempotency-Key</c> is passed over, because nothing of the body is kept and an import again changes nothing.</summary>
    public static RouteHandlerBuilder AcceptsCsv(this RouteHandlerBuilder endpoint, int megabytes) =>
        endpoint.Accepts<string>(Csv.ContentType).WithMetadata(new RequestSizeLimitAttribute(megabytes * 1024L * 1024), new NeverReplayed());

    /// <summary>The body. Throws 415 for what does not call itself CSV.</summary>
    public static Stream Of(HttpContext context) =>
        context.Request.ContentType is { } type && type.Split(';')[0].Trim().Equals(Csv.ContentType, StringComparison.OrdinalIgnoreCase)
            ? context.Request.Body
            : throw new HttpProblem(415, "Send CSV, with the header 'Content-Type: text/csv'.");
}
