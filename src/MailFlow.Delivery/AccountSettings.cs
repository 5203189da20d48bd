using System.Text.RegularExpressions;
using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>An account, and where its mail must stay.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Region">Such as <c>eu</c>: mail leaves by providers of that region alone, and otherwise waits; null for any.</param>
public sealed record AccountSetting(int Id, string Name, string? Region);

/// <summary>Reads and sets what holds for a whole account.</summary>
public sealed partial class AccountSettings(Database database, DeliveryOptions options, Senders senders)
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
        // Its data lies in this installation's database, wherever its mail goes.
        if (region is not null && options.DataRegion is { } here && region != here)
            throw new InvalidInputException("region", $"is '{region}', but this installation keeps its data in '{here}': such an account needs an installation there");
        return database.WriteAsync(async session =>
        {
            await senders.ChangeRoutesAsync(session, accountId, () => session.ExecuteAsync("UPDATE account SET name = @name, region = @region WHERE id = @account", ct, ("name", name.Trim()), ("region", region), ("account", accountId)), ct);
            await Audit.RecordAsync(session, accountId, "account.put", name.Trim(), ct, ("region", region));
            return await FindAsync(session, accountId, ct);
        }, ct);
    }

    /// <summary>The account's region; null for any.</summary>
    internal static async Task<string?> RegionAsync(Session session, int accountId, CancellationToken ct) =>
        await session.ScalarAsync<string?>("SELECT region FROM account WHERE id = @account", ct, ("account", accountId));

    /// <summary>Why nothing leaves of an account that has a region and no way out in it.</summary>
    internal static string WhyHeld(string region) =>
        $"The account keeps its mail in region '{region}', and it has no connection there that is enabled and can be opened: all mail waits. Add or enable a connection of that region.";

    /// <summary>A region's name; null for none. Throws <see cref="InvalidInputException"/> for what cannot be one.</summary>
    internal static string? CheckedRegion(string? region) => string.IsNullOrEmpty(region) ? null
        : Region().IsMatch(region) ? region : throw new InvalidInputException("region", "must have 2 to 10 lower-case letters, such as 'eu'");

    private static async Task<AccountSetting> FindAsync(Session session, int accountId, CancellationToken ct) => await session.FirstAsync(
        "SELECT id, name, region FROM account WHERE id = @account", row => new AccountSetting(row.Int(0), row.Text(1), row.TextOrNull(2)), ct, ("account", accountId))
        ?? throw new NotFoundException("There is no such account.");

    [GeneratedRegex(@"^[a-z]{2,10}\z")]
    private static partial Regex Region();
}
