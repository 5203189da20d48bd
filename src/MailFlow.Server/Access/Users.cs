using MailFlow.Audience;
using MailFlow.Data;

namespace MailFlow.Server.Access;

/// <summary>The users of all accounts.</summary>
internal sealed class Users(Database database)
{
    private const string Columns = "id, account_id, email, name, role, disabled, created_at, last_sign_in_at";
    private const int ColumnCount = 8;

    /// <summary>The users of an account by e-mail.</summary>
    public Task<Page<User>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct) => database.ReadAsync(async session =>
    {
        var found = await session.QueryAsync($"SELECT {Columns} FROM console_user WHERE account_id = @account AND email_key > @after ORDER BY email_key LIMIT @limit",
            Read, ct, ("account", accountId), ("after", Cursor.Read(cursor) ?? ""), ("limit", limit + 1));
        return Cursor.Page(found, limit, user => EmailAddress.Key(user.Email));
    }, ct);

    /// <summary>A user of an account, or null.</summary>
    public Task<User?> FindAsync(int accountId, Guid id, CancellationToken ct) => database.ReadAsync(session => FindAsync(session, accountId, id, ct), ct);

    /// <summary>Who signs in with this address, in whichever account; null when nobody does.</summary>
    public Task<UserCredentials?> FindByEmailAsync(string email, CancellationToken ct) => database.ReadAsync(session => session.FirstAsync(
        $"SELECT {Columns}, password_hash, stamp FROM console_user WHERE email_key = @key", ReadCredentials, ct, ("key", EmailAddress.Key(email))), ct);

    /// <summary>A user of an account with what signing in needs, or null.</summary>
    public Task<UserCredentials?> FindCredentialsAsync(int accountId, Guid id, CancellationToken ct) => database.ReadAsync(session => session.FirstAsync(
        $"SELECT {Columns}, password_hash, stamp FROM console_user WHERE account_id = @account AND id = @id", ReadCredentials, ct, ("account", accountId), ("id", id)), ct);

    /// <summary>Makes a user. Throws <see cref="ConflictException"/> when the address is taken.</summary>
    public async Task<User> CreateAsync(int accountId, string email, string name, Role role, string passwordHash, CancellationToken ct) =>
        await database.WriteAsync(session => InsertAsync(session, accountId, email, name, role, passwordHash, ct), ct) ?? throw Taken(email);

    /// <summary>Makes a user, or gives null when the address is taken.</summary>
    public static async Task<User?> InsertAsync(Session session, int accountId, string email, string name, Role role, string passwordHash, CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        var user = new User(Guid.CreateVersion7(now), accountId, email, name, role, false, now, null);
        var made = await session.ExecuteAsync("""
            INSERT INTO console_user (id, account_id, email, email_key, name, role, password_hash, stamp, disabled, created_at)
            VALUES (@id, @account, @email, @key, @name, @role, @hash, @stamp, @disabled, @now) ON CONFLICT (email_key) DO NOTHING
            """, ct, ("id", user.Id), ("account", accountId), ("email", email), ("key", EmailAddress.Key(email)), ("name", name), ("role", role.Word()),
            ("hash", passwordHash), ("stamp", NewStamp(now)), ("disabled", false), ("now", now));
        if (made == 0) return null;
        await Audit.RecordAsync(session, accountId, "user.create", email, ct, ("role", role.Word()));
        return user;
    }

    /// <summary>Changes a user; sessions end where they must. Someone who can administer the account stays.</summary>
    public Task<User> ChangeAsync(int accountId, Guid id, UserChange change, CancellationToken ct) => database.WriteAsync(async session =>
    {
        var admins = await LockAdminsAsync(session, accountId, ct);
        var before = await FindAsync(session, accountId, id, ct) ?? throw NotThere(id);
        var after = before with
        {
            Email = change.Email ?? before.Email,
            Name = change.Name ?? before.Name,
            Role = change.Role ?? before.Role,
            Disabled = change.Disabled ?? before.Disabled,
        };
        if (after.Role != Role.Admin || after.Disabled) KeepAnAdmin(admins, id);
        try
        {
            await session.ExecuteAsync("UPDATE console_user SET email = @email, email_key = @key, name = @name, role = @role, disabled = @disabled WHERE id = @id", ct,
                ("id", id), ("email", after.Email), ("key", EmailAddress.Key(after.Email)), ("name", after.Name), ("role", after.Role.Word()), ("disabled", after.Disabled));
        }
        catch (Exception error) when (session.Dialect.IsDuplicate(error))
        {
            throw Taken(after.Email); // by another account's user perhaps, whom this session cannot see
        }
        if (change.PasswordHash is { } hash)
            await session.ExecuteAsync("UPDATE console_user SET password_hash = @hash WHERE id = @id", ct, ("id", id), ("hash", hash));
        if (change.EndsSessions(before)) await EndSessionsAsync(session, id, ct);
        await Audit.RecordAsync(session, accountId, "user.change", before.Email, ct,
            ("email", after.Email), ("name", after.Name), ("role", after.Role.Word()), ("disabled", after.Disabled), ("password", change.PasswordHash is null ? "kept" : "changed"));
        return after;
    }, ct);

    /// <summary>Deletes a user with all sessions.</summary>
    public Task DeleteAsync(int accountId, Guid id, CancellationToken ct) => database.WriteAsync(async session =>
    {
        var admins = await LockAdminsAsync(session, accountId, ct);
        var user = await FindAsync(session, accountId, id, ct) ?? throw NotThere(id);
        KeepAnAdmin(admins, id);
        await session.ExecuteAsync("DELETE FROM user_session WHERE user_id = @id", ct, ("id", id));
        await session.ExecuteAsync("DELETE FROM console_user WHERE id = @id", ct, ("id", id));
        await Audit.RecordAsync(session, accountId, "user.delete", user.Email, ct, ("role", user.Role.Word()));
    }, ct);

    /// <summary>Keeps a password's hash made anew with today's cost, unless the password was changed meanwhile.</summary>
    public Task RehashAsync(UserCredentials before, string hash, CancellationToken ct) => database.WriteAsync(session => session.ExecuteAsync(
        "UPDATE console_user SET password_hash = @hash WHERE id = @id AND stamp = @stamp", ct, ("id", before.User.Id), ("hash", hash), ("stamp", before.Stamp)), ct);

    /// <summary>Gives a user a new stamp, and so ends every session, on other nodes within the seconds they remember one.</summary>
    public static async Task EndSessionsAsync(Session session, Guid id, CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        await session.ExecuteAsync("UPDATE console_user SET stamp = @stamp WHERE id = @id", ct, ("id", id), ("stamp", NewStamp(now)));
        await session.ExecuteAsync("DELETE FROM user_session WHERE user_id = @id", ct, ("id", id));
    }

    public static NotFoundException NotThere(object id) => new($"There is no user '{id}'.");

    private static Task<User?> FindAsync(Session session, int accountId, Guid id, CancellationToken ct) => session.FirstAsync(
        $"SELECT {Columns} FROM console_user WHERE account_id = @account AND id = @id", Read, ct, ("account", accountId), ("id", id));

    /// <summary>Those who can administer the account, locked: of two changes at once, the second sees what the first did.</summary>
    private static Task<List<Guid>> LockAdminsAsync(Session session, int accountId, CancellationToken ct) => session.QueryAsync(
        $"SELECT id FROM console_user WHERE account_id = @account AND role = 'admin' AND NOT disabled ORDER BY id{(session.Dialect.IsPostgreSql ? " FOR UPDATE" : "")}",
        row => row.Uuid(0), ct, ("account", accountId));

    private static void KeepAnAdmin(List<Guid> admins, Guid leaving)
    {
        if (admins.Contains(leaving) && admins.Count == 1) throw new ConflictException("This is the last user who can administer the account: make another one first.");
    }

    private static Guid NewStamp(DateTimeOffset now) => Guid.CreateVersion7(now);

    private static ConflictException Taken(string email) => new($"The address '{email}' is taken.");

    private static User Read(Row row) => new(row.Uuid(0), row.Int(1), row.Text(2), row.Text(3), Roles.Parse(row.Text(4)), row.Bool(5), row.Instant(6), row.InstantOrNull(7));

    private static UserCredentials ReadCredentials(Row row) => new(Read(row), row.Text(ColumnCount), row.Uuid(ColumnCount + 1));
}
