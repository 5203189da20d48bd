using System.Reflection;
using MailFlow.Server.Http;

namespace MailFlow.Server.Access;

/// <summary>Who asks: an API key or a user, and the account that everything the request does belongs to. A handler's parameter.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="UserId">The user, when it is one who is signed in.</param>
/// <param name="KeyId">The API key, when it is one.</param>
internal sealed record Caller(int AccountId, Guid? UserId = null, Guid? KeyId = null) : IBindableFromHttpContext<Caller>
{
    /// <summary>For the log.</summary>
    public string Name => UserId is { } user ? $"user {user}" : $"key {KeyId}";

    /// <summary>The scopes held.</summary>
    public IReadOnlyList<string> Scopes { get; private init; } = [];

    /// <summary>Whether the caller holds a scope.</summary>
    public bool Holds(string scope) => Scopes.Contains(scope) || Scopes.Contains(Access.Scopes.Admin);

    /// <summary>For what a request needs beyond its endpoint's scope. Throws 403.</summary>
    public void Demand(string scope, string why)
    {
        if (!Holds(scope)) throw new HttpProblem(StatusCodes.Status403Forbidden, $"{why} needs the scope '{scope}'.");
    }

    public static ValueTask<Caller?> BindAsync(HttpContext context, ParameterInfo parameter) => ValueTask.FromResult<Caller?>(Of(context));

    public static Caller Of(HttpContext context) => new(
        int.Parse(context.User.FindFirst(ApiKeyAuthentication.AccountClaim)?.Value
            ?? throw new InvalidOperationException("An endpoint that acts for an account must ask for a scope.")),
        IdIn(context, SessionCookie.UserClaim),
        IdIn(context, ApiKeyAuthentication.KeyClaim))
    {
        Scopes = [.. context.User.FindAll(ApiKeyAuthentication.ScopeClaim).Select(claim => claim.Value)],
    };

    private static Guid? IdIn(HttpContext context, string claim) => Guid.TryParse(context.User.FindFirst(claim)?.Value, out var id) ? id : null;
}
