using MailFlow.Server.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailFlow.Server.Http;

/// <summary>The published description of the API: the scope each operation asks for, and the one shape of its errors.</summary>
internal static class OpenApiDocument
{
    public static void Configure(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "MailFlow",
                Version = "v1",
                Description = "Marketing journeys: events in, e-mail out. Errors are application/problem+json and name the field. "
                    + "Lists take `cursor` and `limit`. A POST with an `Idempotency-Key` is done once.",
            };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API key: mf_…" },
                ["session"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Cookie, Name = SessionCookie.CookieName, Description = "A session: POST /api/v1/session." },
            };
            document.Security =
            [
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("key", document)] = [] },
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("session", document)] = [] },
            ];
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var metadata = context.Description.ActionDescriptor.EndpointMetadata;
            var needs = metadata.OfType<ScopeNeeded>().LastOrDefault() is { } needed ? $"Needs the scope `{needed.Scope}`."
                : metadata.OfType<IAllowAnonymous>().Any() ? "Needs no credential."
                : "Needs a session.";
            operation.Description = $"{operation.Description} {needs}".Trim();
            if (metadata.OfType<IAllowAnonymous>().Any()) operation.Security = [];
            operation.Responses ??= [];
            operation.Responses.TryAdd("default", new OpenApiResponse
            {
                Description = "What went wrong: `title`, `status`, `detail`, and `errors` by field.",
                Content = new Dictionary<string, OpenApiMediaType> { [Problems.ContentType] = new() },
            });
            return Task.CompletedTask;
        });
    }
}
