using System.Buffers.Text;
using System.Security.Cryptography;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Server.Access;

namespace MailFlow.Server.Hosting;

/// <summary>The first start on an empty database makes account 1, its administrator's key and its administrator.</summary>
internal sealed class FirstStart(Database database, Settings settings, Passwords passwords, Sessions sessions)
{
    /// <summary>Who signs in first.</summary>
    public const string AdminEmail = "admin@localhost";

    private const int PasswordBytes = 18;

    /// <summary>The account of a server that has one.</summary>
    public const int AccountId = 1;

    /// <summary>Gives the administrator's key when this start made it, null on every later one.</summary>
    public Task<string?> RunAsync(CancellationToken ct) => database.WriteAsync<string?>(async session =>
    {
        // The primary key decides between nodes that start together: the others wait here and then insert nothing.
        var first = await session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (@id, 'Default', @now) ON CONFLICT DO NOTHING", ct,
            ("id", AccountId), ("now", await session.NowAsync(ct)));
        return first == 1 ? await NewAdminKeyAsync(session, ct) : null;
    }, ct);

    /// <summary>Throws <see cref="StartRefusedException"/> where an account that a setting names is not there.</summary>
    public async Task RequireAsync(int accountId, string setting, CancellationToken ct)
    {
        if (await database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM account WHERE id = @id", ct, ("id", accountId)), ct) == 0)
            throw new StartRefusedException($"{setting}: there is no account {accountId}");
    }

    /// <summary>Makes a further administrator's key, for an operator who lost the first (<c>--new-admin-key</c>).</summary>
    public async Task<string> RenewAsync(CancellationToken ct)
    {
        Audit.Actor = "operator of the server";
        return await database.WriteAsync(session => NewAdminKeyAsync(session, ct), ct);
    }

    /// <summary>Makes the administrator when the account has no users yet; gives the password then, else null.</summary>
    public async Task<string?> MakeAdminAsync(CancellationToken ct)
    {
        const string count = "SELECT count(*) FROM console_user WHERE account_id = @account";
        if (await database.ReadAsync(session => session.ScalarAsync<long>(count, ct, ("account", AccountId)), ct) > 0) return null;
        var (password, hash) = await NewPasswordAsync(ct);
        return await database.WriteAsync<string?>(async session =>
        {
            if (await Users.InsertAsync(session, AccountId, AdminEmail, "Administrator", Role.Admin, hash, ct) is null) return null; // another node's start was first
            WriteForOwnerOnly(settings.AdminPasswordFile, password);
            return password;
        }, ct);
    }

    /// <summary>
    /// Gives <see cref="AdminEmail"/> a new password and an administrator's role, whatever became of that user, and ends its sessions: for an
    /// operator whom nobody can let in (<c>--reset-admin</c>).
    /// </summary>
    public async Task<string> ResetAdminAsync(CancellationToken ct)
    {
        Audit.Actor = "operator of the server";
        var (password, hash) = await NewPasswordAsync(ct);
        await database.WriteAsync(async session =>
        {
            await Users.InsertAsync(session, AccountId, AdminEmail, "Administrator", Role.Admin, hash, ct);
            var id = await session.FirstAsync("SELECT id FROM console_user WHERE email_key = @key", row => row.Uuid(0), ct, ("key", EmailAddress.Key(AdminEmail)));
            await session.ExecuteAsync("UPDATE console_user SET role = 'admin', disabled = @no, password_hash = @hash WHERE id = @id", ct,
                ("id", id), ("no", false), ("hash", hash));
            await Users.EndSessionsAsync(session, id, ct);
            await SignInThrottle.ClearAsync(session, ct);
            await Audit.RecordAsync(session, AccountId, "user.reset", AdminEmail, ct);
            WriteForOwnerOnly(settings.AdminPasswordFile, password);
        }, ct);
        sessions.Forget();
        return password;
    }

    private async Task<(string Password, string Hash)> NewPasswordAsync(CancellationToken ct)
    {
        var password = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(PasswordBytes));
        return (password, await passwords.HashAsync(password, ct));
    }

    private async Task<string> NewAdminKeyAsync(Session session, CancellationToken ct)
    {
        var (_, secret) = await ApiKeys.CreateAsync(session, AccountId, "Administrator", [Scopes.Admin], ct);
        // Before the commit: a file with a key that does not work is overwritten by the next start; a key that nobody has would be lost.
        WriteForOwnerOnly(settings.AdminKeyFile, secret);
        return secret;
    }

    private static void WriteForOwnerOnly(string file, string text)
    {
        File.Delete(file); // an existing file would keep its permissions
        using var writer = new StreamWriter(file, Settings.ForOwnerOnly());
        writer.WriteLine(text);
    }
}
