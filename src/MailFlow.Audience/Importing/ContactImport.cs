using System.Globalization;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Audience.Importing;

/// <summary>Contacts from CSV, as they come in: a few hundred a transaction, so that neither memory nor the workers feel the size of the file.</summary>
public sealed partial class ContactImport(Database database, IContactStore store, Consents consents, IContactChanged changed)
{
    private const int Chunk = 500;
    private const string Known = "user_id, email, first_name, last_name, time_zone, tags, attributes.… and consents.…";
    private static readonly string[] Columns = ["user_id", "email", "first_name", "last_name", "time_zone", "tags"];

    /// <summary>
    /// Creates and changes contacts. An empty cell leaves what is there. What could not be taken is told by line and column; the others are taken, a chunk at a
    /// time: after a failure, the same file again goes on where it stopped, because what was taken changes nothing. A yes to a purpose undoes no refusal but one from a file.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="csv">A heading with <c>user_id</c> and, as wanted, <c>email, first_name, last_name, time_zone, tags</c> (parted by <c>|</c>), <c>attributes.name</c> and <c>consents.purpose</c>; then lines.</param>
    /// <param name="dryRun">Whether to write nothing.</param>
    /// <param name="ct">Cancels; chunks that were written stay.</param>
    /// <exception cref="InvalidInputException">The file cannot be read.</exception>
    public async Task<ImportReport> ImportAsync(int accountId, Stream csv, bool dryRun, CancellationToken ct)
    {
        var (errors, lines, added, altered, kept) = (new ImportErrors(), 0L, 0L, 0L, 0L);
        var chunk = new List<(string UserId, IReadOnlyDictionary<string, object?> Fields)>(Chunk);
        using var table = new CsvTable(csv);
        await table.ReadHeadingAsync("user_id", IsKnown, Known, ct);
        await foreach (var line in table.LinesAsync(ct))
        {
            lines++;
            try
            {
                chunk.Add(Read(line));
            }
            catch (InvalidInputException error)
            {
                errors.Add(line.Number, error.Field, error.Problem);
            }
            if (chunk.Count == Chunk) await FlushAsync();
        }
        if (chunk.Count > 0) await FlushAsync();
        if (!dryRun)
            await database.WriteAsync(session => Audit.RecordAsync(session, accountId, "contact.import", "csv", ct, ("added", added), ("changed", altered), ("rejected", errors.Rejected), ("kept_withdrawn", kept)), ct);
        return new ImportReport(dryRun, lines, added, altered, lines - errors.Rejected - added - altered, errors.Rejected, errors.Kept, kept);

        async Task FlushAsync()
        {
            var (some, others, withdrawn) = dryRun ? await LookAsync(accountId, chunk, ct) : await WriteAsync(accountId, chunk, ct);
            (added, altered, kept) = (added + some, altered + others, kept + withdrawn);
            chunk.Clear();
        }
    }

    private Task<(int Added, int Changed, int Kept)> WriteAsync(int accountId, List<(string UserId, IReadOnlyDictionary<string, object?> Fields)> chunk, CancellationToken ct) =>
        database.WriteAsync(async session =>
        {
            // All in one order, so that no two imports wait for each other in a circle; a worker holds one and waits for none.
            foreach (var shard in chunk.Select(line => StableHash.Shard(accountId, line.UserId)).Distinct().Order()) await session.LockShardAsync(shard, wait: true, ct);
            var users = chunk.Select(line => line.UserId).Distinct().ToList();
            var known = await KnownAsync(session, accountId, users, ct);
            var kept = await KeptAsync(session, accountId, chunk, known, ct);
            var now = await session.NowAsync(ct);
            var contacts = (await store.FindOrCreateAsync(session, [.. users.Select(user => (accountId, user))], now, ct)).ToDictionary(contact => contact.UserId);
            var touched = await store.ApplyAsync(session, [.. chunk.Select(line => new ContactChange(contacts[line.UserId], line.Fields))], Consents.Import, now, ct);
            if (touched.Count > 0) await changed.AnnounceAsync(session, [.. touched.OrderBy(contact => contact.Id)], ct);
            return (users.Count - known.Count, touched.Count(contact => known.ContainsKey(contact.UserId)), kept);
        }, ct);

    /// <summary>A dry run cannot say which lines would change nothing without doing it: each known contact counts as changed.</summary>
    private Task<(int Added, int Changed, int Kept)> LookAsync(int accountId, List<(string UserId, IReadOnlyDictionary<string, object?> Fields)> chunk, CancellationToken ct) =>
        database.ReadAsync(async session =>
        {
            var users = chunk.Select(line => line.UserId).Distinct().ToList();
            var known = await KnownAsync(session, accountId, users, ct);
            return (users.Count - known.Count, known.Count, await KeptAsync(session, accountId, chunk, known, ct));
        }, ct);

    private static async Task<Dictionary<string, long>> KnownAsync(Session session, int accountId, List<string> users, CancellationToken ct) => (await session.QueryAsync(
        "SELECT r.user_id, c.id FROM {rows} JOIN contact c ON c.account_id = @account AND c.user_id = r.user_id",
        new Rows<string>(users).Text("user_id", user => user), row => KeyValuePair.Create(row.Text(0), row.Long(1)), ct, ("account", accountId))).ToDictionary();

    /// <summary>Of how many of the known contacts the file's yes is passed over. Of several lines for one contact the last holds.</summary>
    private async Task<int> KeptAsync(Session session, int accountId, List<(string UserId, IReadOnlyDictionary<string, object?> Fields)> chunk, Dictionary<string, long> known, CancellationToken ct)
    {
        var said = new Dictionary<(long, string), bool>();
        foreach (var (user, fields) in chunk)
            if (known.TryGetValue(user, out var id) && fields.GetValueOrDefault("consents") is IReadOnlyDictionary<string, object?> purposes)
                foreach (var (purpose, granted) in purposes) said[(id, purpose)] = granted is true;
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        return (await consents.KeptWithdrawnAsync(session, [.. said.Select(each => new Consent(accountId, each.Key.Item1, each.Key.Item2, each.Value, Consents.Import, now))], ct)).Count;
    }

    private static bool IsKnown(string column) => Columns.Contains(column) || Member(column, "attributes.") is { Length: > 0 } || Member(column, "consents.") is { Length: > 0 };

    private static string? Member(string column, string prefix) => column.StartsWith(prefix, StringComparison.Ordinal) ? column[prefix.Length..] : null;

    private static (string UserId, IReadOnlyDictionary<string, object?> Fields) Read(CsvLine line)
    {
        if (line.Broken is not null) throw new InvalidInputException("line", line.Broken);
        var (fields, attributes, consents) = (new Dictionary<string, object?>(), new Dictionary<string, object?>(), new Dictionary<string, object?>());
        foreach (var (column, text) in line.Cells)
            if (column == "user_id") continue;
            else if (column == "tags") fields[column] = text.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct().ToList<object?>();
            else if (Member(column, "attributes.") is { } attribute) attributes[attribute] = Value(text);
            else if (Member(column, "consents.") is { } purpose) consents[purpose] = Flag(text) ?? throw new InvalidInputException(column, $"'{CsvTable.Shown(text)}' is not true or false");
            else fields[column] = text;
        if (attributes.Count > 0) fields[ContactFields.Attributes] = attributes;
        if (consents.Count > 0) fields["consents"] = consents;
        var userId = line.Cells.GetValueOrDefault("user_id");
        ContactFieldsCheck.UserId(userId, "user_id");
        ContactFieldsCheck.Check(fields, "");
        return (userId!, fields);
    }

    /// <summary>A number as JSON writes it and true or false are that; whatever else is text, such as 007 and +49 89 1234.</summary>
    private static object Value(string text) => text switch
    {
        "true" => true,
        "false" => false,
        _ when text.Length > 18 || !Number().IsMatch(text) => text,
        _ => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static bool? Flag(string text) => text.ToLowerInvariant() switch
    {
        "true" or "yes" or "1" => true,
        "false" or "no" or "0" => false,
        _ => null,
    };

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?\z")]
    private static partial Regex Number();
}
