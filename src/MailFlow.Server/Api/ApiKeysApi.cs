using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class ApiKeysApi
{
    /// <param name="Name">What the key is for.</param>
    /// <param name="Scopes">What it may do, such as <c>events:write</c>.</param>
    internal sealed record NewKey(string? Name, IReadOnlyList<string>? Scopes);

    /// <param name="Id">Names the key.</param>
    /// <param name="Name">What it is for.</param>
    /// <param name="Prefix">Its first characters.</param>
    /// <param name="Scopes">What it may do.</param>
    /// <param name="CreatedAt">When it was made.</param>
    /// <param name="LastUsedAt">When it was last used, to within five minutes.</param>
    /// <param name="RevokedAt">When it was revoked.</param>
    internal sealed record Key(Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt);

    /// <param name="Key">The key itself: shown once, here.</param>
    internal sealed record MadeKey(Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, string Key);

    public static void MapApiKeys(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/api-keys").RequireScope(Scopes.Admin).WithTags("API keys");
        group.MapPost("", CreateAsync).WithMetadata(new NeverReplayed()).WithSummary("Make an API key; the answer shows it once").Produces<MadeKey>(201);
        group.MapGet("", ListAsync).WithSummary("List the API keys, newest first").Produces<Page<Key>>();
        group.MapDelete("/{id}", RevokeAsync).WithSummary("Revoke an API key").Produces(204);
    }

    private static async Task<IResult> CreateAsync(Body<NewKey> body, Caller caller, ApiKeys keys, CancellationToken ct)
    {
        var (name, scopes) = (body.Value.Name?.Trim(), body.Value.Scopes);
        if (string.IsNullOrEmpty(name) || name.Length > 100) throw new InvalidInputException("name", "must be 1 to 100 characters");
        if (scopes is null or []) throw new InvalidInputException("scopes", "must name at least one scope");
        if (scopes.FirstOrDefault(scope => !Scopes.All.Contains(scope)) is { } unknown)
            throw new InvalidInputException("scopes", $"'{unknown}' is none of {string.Join(", ", Scopes.All)}");

        var (key, secret) = await keys.CreateAsync(caller.AccountId, name, [.. scopes.Distinct()], ct);
        return Results.Created($"/api/v1/api-keys/{key.Id}", new MadeKey(key.Id, key.Name, key.Prefix, key.Scopes, key.CreatedAt, secret));
    }

    private static async Task<Page<Key>> ListAsync([AsParameters] Paging paging, Caller caller, ApiKeys keys, CancellationToken ct)
    {
        var page = await keys.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);
        return new([.. page.Items.Select(key => new Key(key.Id, key.Name, key.Prefix, key.Scopes, key.CreatedAt, key.LastUsedAt, key.RevokedAt))], page.Next);
    }

    private static async Task<IResult> RevokeAsync(string id, Caller caller, ApiKeys keys, CancellationToken ct)
    {
        await keys.RevokeAsync(caller.AccountId, Guid.TryParse(id, out var key) ? key : throw new NotFoundException($"There is no live API key '{id}'."), ct);
        return Results.NoContent();
    }
}
