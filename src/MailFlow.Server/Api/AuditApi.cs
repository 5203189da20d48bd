using System.ComponentModel;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Api;

internal static class AuditApi
{
    public static void MapAudit(this IEndpointRouteBuilder api) => api.MapGet("/audit", ListAsync).RequireScope(Scopes.Admin).WithTags("Audit")
        .WithSummary("Read who changed what, the newest first").Produces<Page<AuditEntry>>();

    private static Task<Page<AuditEntry>> ListAsync(
        [FromQuery, Description("Only what this key or person did.")] string? actor,
        [FromQuery, Description("Only this, such as journey.pause.")] string? action,
        [FromQuery, Description("Only what was done to this one.")] string? subject,
        [FromQuery, Description("Only from this instant on.")] DateTimeOffset? from,
        [FromQuery, Description("Only before this instant.")] DateTimeOffset? to,
        [AsParameters] Paging paging, Caller caller, AuditLog log, CancellationToken ct) =>
        log.ListAsync(caller.AccountId, new(actor, action, subject, from, to), paging.Cursor, paging.Size, ct);
}
