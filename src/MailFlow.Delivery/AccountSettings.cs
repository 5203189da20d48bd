using System.Text.RegularExpressions;
using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>An account, and where its mail must stay.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Region">Such as <c>eu</c>: providers of other regions are not used; null for any.</param>
public sealed record AccountSetting(int Id, string Name, string? Region);

/// <summary>Reads and sets what holds for a whole account.</summary>
public sealed partial class AccountSettings(Database database)
{
    /// <summary>The account's settings.</summary>
    /// <exception cref="NotFoundException">There is no such account.</exception>
    public Task<AccountSetting> FindAsync(int accountId, CancellationToken ct) => database.ReadAsync(session => FindAsync(session, accountId, ct), ct);

    /// <summary>Sets them.</summary>
    /// <exception cref="InvalidInputException">A member cannot be taken; names it.</exception>
    public Task<AccountSetting> PutAsync(int accountId, string? name, string? region, CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(name)) throw new InvalidInputException("name", "is missing");
        if (name.Trim().Length > 200 || name.Any(char.IsControl)) throw new InvalidInputException("name", "is one line of at most 200 characters");
        region = CheckedRegion(region);
        return database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("UPDATE account SET name = @name, region = @region WHERE id = @account", ct, ("name", name.Trim()), ("region", region), ("account", accountId));
            await Audit.RecordAsync(session, accountId, "account.put", name.Trim(), ct, ("region", region));
            return await FindAsync(session, accountId, ct);
        }, ct);
    }

    /// <summary>A region's name; null for none. Throws <see cref="InvalidInputException"/> for what cannot be one.</summary>
    internal static string? CheckedRegion(string? region) => string.IsNullOrEmpty(region) ? null
        : Region().IsMatch(region) ? region : throw new InvalidInputException("region", "must have 2 to 10 lower-case letters, such as 'eu'");

    private static async Task<AccountSetting> FindAsync(Session session, int accountId, CancellationToken ct) => await session.FirstAsync(
        "SELECT id, name, region FROM account WHERE id = @account", row => new AccountSetting(row.Int(0), row.Text(1), row.TextOrNull(2)), ct, ("account", accountId))
        ?? throw new NotFoundException("There is no such account.");

    [GeneratedRegex(@"^[a-z]{2,10}\z")]
    private static partial Regex Region();
}
