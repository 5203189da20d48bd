using MailFlow.Data;

namespace MailFlow.Audience;

/// <summary>A purpose that contacts agree to, as recipients read it.</summary>
/// <param name="Key">Names it in journeys and consents.</param>
/// <param name="Name">What recipients call it.</param>
/// <param name="Description">What they get, in a sentence.</param>
/// <param name="Offered">Whether the preference centre shows it.</param>
/// <param name="Position">Its place there; those of one place by name.</param>
/// <param name="Version">Which wording this is: one more with each change of name or description.</param>
/// <param name="UpdatedAt">When it last changed.</param>
public sealed record Purpose(string Key, string Name, string Description, bool Offered, int Position, int Version, DateTimeOffset UpdatedAt)
{
    /// <summary>What a person reads who agrees to it: kept with the consent.</summary>
    public string Wording => Description.Length == 0 ? Name : $"{Name}: {Description}";
}

/// <summary>The purposes of an account.</summary>
public sealed class Purposes(Database database)
{
    /// <summary>How many an account may have: all of them stand on one page.</summary>
    public const int Most = 100;

    private const int LongestName = 100, LongestDescription = 500;
    private const string Columns = "key, name, description, offered, position, version, updated_at";

    /// <summary>All of an account, in the order in which they are shown.</summary>
    public Task<IReadOnlyList<Purpose>> ListAsync(int accountId, CancellationToken ct) => database.ReadAsync(session => ListAsync(session, accountId, ct), ct);

    /// <inheritdoc cref="ListAsync(int, CancellationToken)"/>
    public static async Task<IReadOnlyList<Purpose>> ListAsync(Session session, int accountId, CancellationToken ct) => await session.QueryAsync(
        $"SELECT {Columns} FROM purpose WHERE account_id = @account ORDER BY position, name, key", Read, ct, ("account", accountId));

    /// <summary>One of them, or null.</summary>
    public Task<Purpose?> FindAsync(int accountId, string key, CancellationToken ct) => database.ReadAsync(session => FindAsync(session, accountId, key, ct), ct);

    /// <inheritdoc cref="FindAsync(int, string, CancellationToken)"/>
    public static Task<Purpose?> FindAsync(Session session, int accountId, string key, CancellationToken ct) => session.FirstAsync(
        $"SELECT {Columns} FROM purpose WHERE account_id = @account AND key = @key", Read, ct, ("account", accountId), ("key", key));

    /// <summary>Creates a purpose or changes it.</summary>
    /// <exception cref="InvalidInputException">A member cannot be taken; names it.</exception>
    public Task<Purpose> PutAsync(int accountId, string key, string? name, string? description, bool offered, int position, CancellationToken ct)
    {
        ContactFieldsCheck.Purpose(key, "key");
        if (string.IsNullOrWhiteSpace(name)) throw new InvalidInputException("name", "is missing");
        var (shown, told) = (Line(name, LongestName, "name"), Line(description ?? "", LongestDescription, "description"));
        return database.WriteAsync(async session =>
        {
            var known = await FindAsync(session, accountId, key, ct);
            if (known is null && await session.ScalarAsync<long>("SELECT count(*) FROM purpose WHERE account_id = @account", ct, ("account", accountId)) >= Most)
                throw new InvalidInputException("key", $"an account has at most {Most} purposes");
            await session.ExecuteAsync("""
                INSERT INTO purpose (account_id, key, name, description, offered, position, version, updated_at)
                VALUES (@account, @key, @name, @description, @offered, @position, 1, @now)
                ON CONFLICT (account_id, key) DO UPDATE SET offered = excluded.offered, position = excluded.position, updated_at = excluded.updated_at,
                  version = purpose.version + CASE WHEN purpose.name <> excluded.name OR purpose.description <> excluded.description THEN 1 ELSE 0 END,
                  name = excluded.name, description = excluded.description
                """, ct, ("account", accountId), ("key", key), ("name", shown), ("description", told), ("offered", offered), ("position", position), ("now", await session.NowAsync(ct)));
            await Audit.RecordAsync(session, accountId, "purpose.put", key, ct, ("name", shown), ("description", told), ("offered", offered));
            return (await FindAsync(session, accountId, key, ct))!;
        }, ct);
    }

    /// <summary>Removes a purpose from the list; what contacts agreed to stays on record. False when there is none.</summary>
    public Task<bool> DeleteAsync(int accountId, string key, CancellationToken ct) => database.WriteAsync(async session =>
    {
        if (await session.ExecuteAsync("DELETE FROM purpose WHERE account_id = @account AND key = @key", ct, ("account", accountId), ("key", key)) == 0) return false;
        await Audit.RecordAsync(session, accountId, "purpose.delete", key, ct);
        return true;
    }, ct);

    private static string Line(string text, int longest, string field)
    {
        ContactFieldsCheck.Characters(text, field);
        if (text.Any(char.IsControl)) throw new InvalidInputException(field, "holds a line break or another control character");
        var line = text.Trim();
        return line.Length <= longest ? line : throw new InvalidInputException(field, $"is {line.Length} characters long; at most {longest}");
    }

    private static Purpose Read(Row row) => new(row.Text(0), row.Text(1), row.Text(2), row.Bool(3), row.Int(4), row.Int(5), row.Instant(6));
}
