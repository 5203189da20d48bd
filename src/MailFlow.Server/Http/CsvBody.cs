using MailFlow.Audience.Importing;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Http;

/// <summary>A request whose body is CSV, read as it comes in.</summary>
internal static class CsvBody
{
    private const string Any = "*/*";

    /// <summary>Says that an endpoint takes CSV up to so many bytes; an <c>Idempotency-Key</c> is passed over, because nothing of the body is kept and an import again changes nothing.</summary>
    public static RouteHandlerBuilder AcceptsCsv(this RouteHandlerBuilder endpoint, int megabytes) =>
        // Routing lets any type through, for its own refusal does not know what to say.
        endpoint.Accepts<string>(Csv.ContentType, Any).WithMetadata(new RequestSizeLimitAttribute(megabytes * 1024L * 1024), new NeverReplayed())
            .AddOpenApiOperationTransformer((operation, _, _) =>
            {
                operation.RequestBody?.Content?.Remove(Any);
                return Task.CompletedTask;
            });

    /// <summary>The body. Throws 415 for what does not call itself CSV.</summary>
    public static Stream Of(HttpContext context) =>
        context.Request.ContentType is { } type && type.Split(';')[0].Trim().Equals(Csv.ContentType, StringComparison.OrdinalIgnoreCase)
            ? context.Request.Body
            : throw new HttpProblem(415, "Send CSV, with the header 'Content-Type: text/csv'.");
}
