using MailFlow.Data;

namespace MailFlow.Server.Access;

/// <summary>Who did something, as others in the account know them: a user's name, an API key's.</summary>
internal sealed class Authors(Database database)
{
    /// <summary>The name; null where it is not known any more.</summary>
    public Task<string?> NameAsync(Caller caller, CancellationToken ct) => database.ReadAsync(session => caller.UserId is { } user
        ? session.FirstAsync("SELECT CASE WHEN name = '' THEN email ELSE name END FROM console_user WHERE id = @id AND account_id = @account",
            row => row.TextOrNull(0), ct, ("id", user), ("account", caller.AccountId))
        : session.FirstAsync("SELECT name FROM api_key WHERE id = @id AND account_id = @account", row => row.TextOrNull(0), ct, ("id", caller.KeyId), ("account", caller.AccountId)), ct);
}
