using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class DomainsApi
{
    /// <param name="ReturnPath">The domain that bounces go to, where that is another one.</param>
    /// <param name="TrackingHost">The host that links in mail lead to, where that is not the server's own.</param>
    /// <param name="DkimSelector">Of a new key its name, made up if not said; else the selector that the provider signs with.</param>
    /// <param name="DkimKey"><c>keep</c> (if not said), <c>generate</c> for a new key, <c>remove</c> to sign no more.</param>
    /// <param name="DkimPrivateKey">An RSA key in PEM to sign with, in place of a generated one. It is never shown again.</param>
    /// <param name="PerSecond">The most mails a second that leave the domain; null for any number.</param>
    internal sealed record DomainInput(string? ReturnPath, string? TrackingHost, string? DkimSelector, DkimKeyChange? DkimKey, string? DkimPrivateKey, double? PerSecond);

    public static void MapDomains(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/domains").WithTags("Sending domains");
        group.MapGet("", ListAsync).RequireScope(Scopes.MessagesRead).WithSummary("List the domains that mail is sent from").Produces<Page<SendingDomain>>();
        group.MapGet("/{domain}", FindAsync).RequireScope(Scopes.MessagesRead).WithSummary("Read a domain, with what its last check found").Produces<SendingDomain>();
        group.MapPut("/{domain}", PutAsync).RequireScope(Scopes.Admin).WithSummary("Set a domain up, or change how it is").Produces<SendingDomain>();
        group.MapDelete("/{domain}", DeleteAsync).RequireScope(Scopes.Admin).WithSummary("Forget a domain and its keys").Produces(204);
        group.MapPost("/{domain}/check", CheckAsync).RequireScope(Scopes.Admin).WithSummary("Check a domain in DNS now; a new key whose record is there signs from then on").Produces<SendingDomain>();
    }

    private static Task<Page<SendingDomain>> ListAsync([AsParameters] Paging paging, Caller caller, SendingDomains domains, CancellationToken ct) =>
        domains.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);

    private static async Task<SendingDomain> FindAsync(string domain, Caller caller, SendingDomains domains, CancellationToken ct) =>
        await domains.FindAsync(caller.AccountId, domain, ct) ?? throw NotThere(domain);

    private static Task<SendingDomain> PutAsync(string domain, Body<DomainInput> body, Caller caller, SendingDomains domains, CancellationToken ct)
    {
        var input = body.Value;
        return domains.PutAsync(caller.AccountId, domain, new SendingDomainSettings(
            Given(input.ReturnPath), Given(input.TrackingHost), Given(input.DkimSelector), input.DkimKey ?? DkimKeyChange.Keep, Given(input.DkimPrivateKey), input.PerSecond), ct);
    }

    private static async Task<IResult> DeleteAsync(string domain, Caller caller, SendingDomains domains, CancellationToken ct) =>
        await domains.DeleteAsync(caller.AccountId, domain, ct) ? Results.NoContent() : throw NotThere(domain);

    private static Task<SendingDomain> CheckAsync(string domain, Caller caller, SendingDomains domains, CancellationToken ct) =>
        domains.CheckAsync(caller.AccountId, domain, ct);

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static NotFoundException NotThere(string domain) => new($"There is no sending domain '{domain}'.");
}
