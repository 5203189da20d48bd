using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Audience.Privacy;

/// <summary>The requests of persons for their data or its erasure, with their deadlines; and the export.</summary>
public sealed class PrivacyRequests
{
    private readonly Database _database;
    private readonly AddressHashes _hashes;
    private readonly IReadOnlyList<IPersonalData> _modules;

    internal PrivacyRequests(Database database, AddressHashes hashes, IEnumerable<IPersonalData> modules) => (_database, _hashes, _modules) = (database, hashes, [.. modules]);

    /// <summary>An account's requests, the latest first; those not done yet, if only they are wanted.</summary>
    public async Task<Page<PrivacyRequest>> ListAsync(int accountId, bool openOnly, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.Read(cursor) is not { } key ? Guid.AllBitsSet : Guid.TryParse(key, out var id) ? id : throw Cursor.Unknown();
        var found = await _database.ReadAsync(session => session.QueryAsync($"""
            SELECT {PrivacyRequest.Columns} FROM privacy_request WHERE account_id = @account AND id < @before {(openOnly ? "AND done_at IS NULL" : "")} ORDER BY id DESC LIMIT @limit
            """, PrivacyRequest.Read, ct, ("account", accountId), ("before", before), ("limit", limit + 1)), ct);
        return Cursor.Page(found, limit, last => last.Id.ToString());
    }

    /// <summary>One of them, or null.</summary>
    public Task<PrivacyRequest?> FindAsync(int accountId, Guid id, CancellationToken ct) => _database.ReadAsync(session => session.FirstAsync(
        $"SELECT {PrivacyRequest.Columns} FROM privacy_request WHERE account_id = @account AND id = @id", PrivacyRequest.Read, ct, ("account", accountId), ("id", id)), ct);

    /// <summary>Notes a request that came in by another road, so that its deadline is kept: it is done by the export or the erasure.</summary>
    /// <exception cref="NotFoundException">There is no such contact.</exception>
    /// <exception cref="InvalidInputException">A member cannot be taken; names it.</exception>
    public Task<PrivacyRequest> NoteAsync(int accountId, string? kind, string userId, DateTimeOffset? receivedAt, CancellationToken ct)
    {
        if (kind is not (PrivacyRequest.Export or PrivacyRequest.Erasure)) throw new InvalidInputException("kind", "must be 'export' or 'erasure'");
        return _database.WriteAsync(async session =>
        {
            var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
            if (receivedAt > now) throw new InvalidInputException("received_at", "lies in the future");
            if (await PersonAsync(session, accountId, userId, ct) is not { } person) throw new NotFoundException($"There is no contact '{userId}'.");
            var request = await OpenAsync(session, person, kind, receivedAt ?? now, ct);
            await Audit.RecordAsync(session, accountId, $"privacy.{kind}.received", request.Id.ToString(), ct);
            return request;
        }, ct);
    }

    /// <summary>All that is held about a contact, by section; the request for it is noted as done.</summary>
    /// <exception cref="NotFoundException">There is no such contact.</exception>
    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(int accountId, string userId, CancellationToken ct)
    {
        var sections = await _database.ReadAsync(async session =>
        {
            if (await PersonAsync(session, accountId, userId, ct) is not { } person) throw new NotFoundException($"There is no contact '{userId}'.");
            var found = new List<PersonalSection>();
            foreach (var module in _modules) found.AddRange(await module.ExportAsync(session, person, ct));
            found.Add(await EarlierAsync(session, person, ct));
            return found;
        }, ct);
        await _database.WriteAsync(async session =>
        {
            if (await PersonAsync(session, accountId, userId, ct) is not { } person) return;
            var now = await session.NowAsync(ct);
            var request = await OpenAsync(session, person, PrivacyRequest.Export, DateTimeOffset.FromUnixTimeMilliseconds(now), ct);
            await DoneAsync(session, request.Id, now, ct);
            await Audit.RecordAsync(session, accountId, "privacy.export", request.Id.ToString(), ct);
        }, ct);
        return sections;
    }

    /// <summary>What the contact has asked for before.</summary>
    private async Task<PersonalSection> EarlierAsync(Session session, Person person, CancellationToken ct) => new("privacy_requests", await session.QueryAsync(
        $"SELECT {PrivacyRequest.Columns} FROM privacy_request WHERE account_id = @account AND subject = @subject ORDER BY id",
        IReadOnlyDictionary<string, object?> (row) => PrivacyRequest.Read(row) is var request
            ? new Dictionary<string, object?> { ["id"] = request.Id, ["kind"] = request.Kind, ["received_at"] = request.ReceivedAt, ["due_at"] = request.DueAt, ["done_at"] = request.DoneAt } : [],
        ct, ("account", person.AccountId), ("subject", await _hashes.HashAsync(session, person.AccountId, person.UserId, ct))));

    /// <summary>The contact with all addresses that any module knows; null when there is none.</summary>
    internal async Task<Person?> PersonAsync(Session session, int accountId, string userId, CancellationToken ct)
    {
        var id = await session.FirstAsync("SELECT id FROM contact WHERE account_id = @account AND user_id = @user", row => (long?)row.Long(0), ct, ("account", accountId), ("user", userId));
        if (id is null) return null;
        var person = new Person(accountId, id.Value, userId, []);
        var addresses = new List<string>();
        foreach (var module in _modules) addresses.AddRange(await module.AddressesAsync(session, person, ct));
        return person with { Addresses = [.. addresses.DistinctBy(EmailAddress.Key)] };
    }

    /// <summary>The open request of this kind, made when there is none.</summary>
    internal async Task<PrivacyRequest> OpenAsync(Session session, Person person, string kind, DateTimeOffset receivedAt, CancellationToken ct)
    {
        var subject = await _hashes.HashAsync(session, person.AccountId, person.UserId, ct);
        var open = await session.FirstAsync(
            $"SELECT {PrivacyRequest.Columns} FROM privacy_request WHERE account_id = @account AND subject = @subject AND kind = @kind AND done_at IS NULL ORDER BY id LIMIT 1",
            PrivacyRequest.Read, ct, ("account", person.AccountId), ("subject", subject), ("kind", kind));
        if (open is not null) return open;
        var request = new PrivacyRequest(Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct))), kind, person.UserId, receivedAt, receivedAt.AddMonths(1), null);
        await session.ExecuteAsync("""
            INSERT INTO privacy_request (id, account_id, kind, subject, user_id, contact_id, received_at, due_at) VALUES (@id, @account, @kind, @subject, @user, @contact, @received, @due)
            """, ct, ("id", request.Id), ("account", person.AccountId), ("kind", kind), ("subject", subject), ("user", person.UserId), ("contact", person.ContactId),
            ("received", request.ReceivedAt), ("due", request.DueAt));
        return request;
    }

    /// <summary>The last erasure of a contact by this id that is done, or null.</summary>
    internal async Task<PrivacyRequest?> ErasedAsync(Session session, int accountId, string userId, CancellationToken ct)
    {
        var subject = await _hashes.HashAsync(session, accountId, userId, ct);
        return await session.FirstAsync(
            $"SELECT {PrivacyRequest.Columns} FROM privacy_request WHERE account_id = @account AND subject = @subject AND kind = 'erasure' AND done_at IS NOT NULL ORDER BY id DESC LIMIT 1",
            PrivacyRequest.Read, ct, ("account", accountId), ("subject", subject));
    }

    /// <summary>An export that was asked for and not given is done with the erasure: there is nothing left to give, and it would keep the name.</summary>
    internal static async Task OvertakenAsync(Session session, Person person, long now, CancellationToken ct)
    {
        var open = await session.QueryAsync("SELECT id FROM privacy_request WHERE account_id = @account AND contact_id = @contact AND kind = 'export' AND done_at IS NULL",
            row => row.Uuid(0), ct, ("account", person.AccountId), ("contact", person.ContactId));
        foreach (var id in open) await DoneAsync(session, id, now, ct);
    }

    /// <summary>What is done keeps no name.</summary>
    internal static Task DoneAsync(Session session, Guid id, long now, CancellationToken ct) => session.ExecuteAsync(
        "UPDATE privacy_request SET done_at = @now, user_id = NULL, contact_id = NULL WHERE id = @id AND done_at IS NULL", ct, ("now", now), ("id", id));
}
