using System.Reflection;

namespace MailFlow.Server.Access;

/// <summary>Who asks: the account that the request's key belongs to. A handler's parameter.</summary>
internal sealed record Caller(int AccountId) : IBindableFromHttpContext<Caller>
{
    public static ValueTask<Caller?> BindAsync(HttpContext context, ParameterInfo parameter) => ValueTask.FromResult<Caller?>(Of(context));

    public static Caller Of(HttpContext context) =>
        new(int.Parse(context.User.FindFirst(ApiKeyAuthentication.AccountClaim)?.Value
            ?? throw new InvalidOperationException("An endpoint that acts for an account must ask for a scope.")));
}
