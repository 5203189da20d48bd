using MailFlow.Data;
using MailFlow.Server.Access;

namespace MailFlow.Server.Hosting;

/// <summary>The first start on an empty database makes account 1 and its administrator's key.</summary>
internal sealed class FirstStart(Database database, Settings settings)
{
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

    /// <summary>Makes a further administrator's key, for an operator who lost the first (<c>--new-admin-key</c>).</summary>
    public async Task<string> RenewAsync(CancellationToken ct)
    {
        Audit.Actor = "operator of the server";
        return await database.WriteAsync(session => NewAdminKeyAsync(session, ct), ct);
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
