using System.Reflection;
using MailFlow.Server.Access;

namespace MailFlow.Server.Elsa;

/// <summary>What the caller may do in Studio, which shows itself read-only or not by the links it is given. A handler's parameter.</summary>
/// <param name="Caller">Who it is.</param>
/// <param name="MayEdit">Whether drafts may be saved.</param>
/// <param name="MayPublish">Whether versions may be published and taken back.</param>
internal sealed record StudioRights(Caller Caller, bool MayEdit, bool MayPublish) : IBindableFromHttpContext<StudioRights>
{
    public int AccountId => Caller.AccountId;

    public static ValueTask<StudioRights?> BindAsync(HttpContext context, ParameterInfo parameter) => ValueTask.FromResult<StudioRights?>(Of(context));

    public static StudioRights Of(HttpContext context) => new(Caller.Of(context), Has(context, Scopes.JourneysWrite), Has(context, Scopes.JourneysPublish));

    private static bool Has(HttpContext context, string scope) =>
        context.User.HasClaim(ApiKeyAuthentication.ScopeClaim, scope) || context.User.HasClaim(ApiKeyAuthentication.ScopeClaim, Scopes.Admin);
}
