using System.Reflection;
using MailFlow.Server.Access;

namespace MailFlow.Server.Elsa;

/// <summary>What the caller may do in Studio, which shows itself read-only or not by the links it is given. A handler's parameter.</summary>
/// <param name="AccountId">The caller's account.</param>
/// <param name="MayEdit">Whether drafts may be saved.</param>
/// <param name="MayPublish">Whether versions may be published and taken back.</param>
/// <param name="Author">Who it is, for the list of revisions; null where that is not known.</param>
internal sealed record StudioRights(int AccountId, bool MayEdit, bool MayPublish, string? Author) : IBindableFromHttpContext<StudioRights>
{
    public static ValueTask<StudioRights?> BindAsync(HttpContext context, ParameterInfo parameter) => ValueTask.FromResult<StudioRights?>(Of(context));

    public static StudioRights Of(HttpContext context)
    {
        var mayWrite = Has(context, Scopes.JourneysWrite);
        return new StudioRights(Caller.Of(context).AccountId, mayWrite, mayWrite, context.User.Identity?.Name);
    }

    private static bool Has(HttpContext context, string scope) =>
        context.User.HasClaim(ApiKeyAuthentication.ScopeClaim, scope) || context.User.HasClaim(ApiKeyAuthentication.ScopeClaim, Scopes.Admin);
}
