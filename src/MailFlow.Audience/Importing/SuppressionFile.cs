using System.Globalization;
using MailFlow.Data;

namespace MailFlow.Audience.Importing;

/// <summary>Suppressions as CSV, in and out.</summary>
public sealed class SuppressionFile(Database database, Suppressions suppressions)
{
    /// <summary>The most lines that one import takes: all of them are one transaction.</summary>
    public const int MostLines = 200_000;

    private const int Chunk = 2_000, PageSize = 1_000;
    private static readonly string[] Columns = ["email", "scope", "reason", "source", "at", "expires_at", "detail"];

    /// <summary>
    /// Takes in all lines that can be taken, in one transaction: all of them or, when it fails, none. The same file again changes nothing. What could not be taken is
    /// told by line and column.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="csv">A heading with <c>email</c> and, as wanted, <c>scope, reason, source, at, expires_at, detail</c>; then lines.</param>
    /// <param name="dryRun">Whether to do it all and take it back: the report is the same.</param>
    /// <param name="ct">Cancels; nothing was written then.</param>
    /// <exception cref="InvalidInputException">The file cannot be read, or has too many lines.</exception>
    public async Task<ImportReport> ImportAsync(int accountId, Stream csv, bool dryRun, CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await database.ReadAsync(session => session.NowAsync(ct), ct));
        var (errors, wanted, lines) = (new ImportErrors(), new Dictionary<(string, string), Suppression>(), 0L);
        using var table = new CsvTable(csv);
        await table.ReadHeadingAsync("email", Columns.Contains, string.Join(", ", Columns), ct);
        await foreach (var line in table.LinesAsync(ct))
        {
            if (++lines > MostLines) throw new InvalidInputException("body", $"has more than {MostLines} lines: split the file");
            try
            {
                var read = Read(line, now);
                wanted[(read.Email, read.Scope)] = wanted.TryGetValue((read.Email, read.Scope), out var same) ? Suppression.Stronger(same, read) : read;
            }
            catch (InvalidInputException error)
            {
                errors.Add(line.Number, error.Field, error.Problem);
            }
        }
        var (added, changed) = await WriteAsync(accountId, [.. wanted.Values], dryRun, errors.Rejected, ct);
        return new ImportReport(dryRun, lines, added, changed, lines - errors.Rejected - added - changed, errors.Rejected, errors.Kept);
    }

    /// <summary>
    /// Writes all suppressions of an account, page by page, so that none waits for all. What is left of erased persons' addresses stands for nothing elsewhere
    /// and is left out.
    /// </summary>
    public async Task ExportAsync(int accountId, Func<string, Task> write, CancellationToken ct)
    {
        await write(Csv.Line([.. Columns]));
        string? cursor = null;
        do
        {
            var page = await suppressions.ListAsync(accountId, cursor, PageSize, ct);
            await write(string.Concat(page.Items.Where(s => s.Kind != "erased").Select(s => Csv.Line(s.Email, s.Scope, s.Reason, s.Source, Instant(s.At), Instant(s.ExpiresAt), s.Detail))));
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    private async Task<(int Added, int Changed)> WriteAsync(int accountId, IReadOnlyList<Suppression> wanted, bool dryRun, long rejected, CancellationToken ct)
    {
        var (added, changed) = (0, 0);
        try
        {
            await database.WriteAsync(async session =>
            {
                (added, changed) = (0, 0);
                foreach (var chunk in wanted.OrderBy(s => s.Email, StringComparer.Ordinal).Chunk(Chunk))
                {
                    var (some, stronger) = await suppressions.AddAsync(session, accountId, chunk, ct);
                    (added, changed) = (added + some, changed + stronger);
                }
                if (dryRun) throw new TakenBackException();
                await Audit.RecordAsync(session, accountId, "suppression.import", "csv", ct, ("added", added), ("changed", changed), ("rejected", rejected));
            }, ct);
        }
        catch (TakenBackException)
        {
            // As was wanted.
        }
        return (added, changed);
    }

    private static Suppression Read(CsvLine line, DateTimeOffset now)
    {
        if (line.Broken is not null) throw new InvalidInputException("line", line.Broken);
        var email = line.Cells.GetValueOrDefault("email") ?? throw new InvalidInputException("email", "is missing");
        var source = line.Cells.GetValueOrDefault("source") ?? "import";
        if (source.Length > 100) throw new InvalidInputException("source", "is too long; at most 100 characters");
        ContactFieldsCheck.Characters(source, "source");
        var since = InstantIn(line, "at") ?? now;
        if (since > now) throw new InvalidInputException("at", "lies in the future");
        return Suppressions.Checked(email, line.Cells.GetValueOrDefault("reason"), line.Cells.GetValueOrDefault("scope"), source, now,
            line.Cells.GetValueOrDefault("detail"), InstantIn(line, "expires_at")) with
        { At = since };
    }

    private static DateTimeOffset? InstantIn(CsvLine line, string column) =>
        !line.Cells.TryGetValue(column, out var text) ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var instant) ? instant
        : throw new InvalidInputException(column, $"'{CsvTable.Shown(text)}' is not an instant, such as 2026-01-31T09:00:00Z");

    private static string Instant(DateTimeOffset? instant) => instant is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture) : "";

    private sealed class TakenBackException : Exception;
}
