using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MailFlow.Content.Razor;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Content;

/// <summary>The templates of all accounts, versioned and addressed by key; engineers' Razor components stand among them.</summary>
public sealed partial class Templates(Database database, RazorTemplates razor)
{
    private const int LongestPart = 512 * 1024, LongestDesign = 1024 * 1024, LongestSubject = 1_000, MostParts = 32;

    private readonly ConcurrentDictionary<int, int> _changes = [];

    /// <summary>
    /// Compiles a template and stores it as a new version when it differs from the latest.
    /// </summary>
    /// <param name="accountId">Whose.</param>
    /// <param name="key">1 to 100 letters, digits, dots, hyphens and underscores.</param>
    /// <param name="source">At most 512 KiB a part.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">It cannot be taken: names key, subject, html, text or layout, and the place.</exception>
    /// <exception cref="ConflictException">An engineer's Razor template holds the key.</exception>
    public Task<TemplateVersion> PutAsync(int accountId, string key, TemplateSource source, CancellationToken ct) => PutAsync(accountId, key, source, null, ct);

    /// <summary>As above, but only over the version that the writer has seen.</summary>
    /// <param name="accountId">Whose.</param>
    /// <param name="key">As above.</param>
    /// <param name="source">As above.</param>
    /// <param name="ifVersion">The latest version when it was read; 0 where there was none; null to write in any case.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">As above.</exception>
    /// <exception cref="ConflictException">As above, or another version was put since.</exception>
    public async Task<TemplateVersion> PutAsync(int accountId, string key, TemplateSource source, int? ifVersion, CancellationToken ct)
    {
        if (!KeyShape().IsMatch(key)) throw new InvalidInputException("key", "must be 1 to 100 letters, digits, dots, hyphens and underscores, beginning with a letter or digit");
        if (razor.Find(key) is not null) throw new ConflictException($"The template '{key}' is a Razor component of this installation: choose another key.");
        source = source with { Text = string.IsNullOrWhiteSpace(source.Text) ? null : source.Text, Layout = string.IsNullOrWhiteSpace(source.Layout) ? null : source.Layout };
        source = source with { Design = string.IsNullOrWhiteSpace(source.Design) ? null : source.Design };
        Check(source);

        IReadOnlyList<string> warnings;
        try
        {
            var parts = await database.ReadAsync(session => PartsAsync(session, accountId, key, source, ct), ct);
            EmailTemplate.Compile(source, parts);
            warnings = TemplateWarnings.Of(source);
        }
        catch (TemplateFieldException error)
        {
            throw new InvalidInputException(error.FieldName, error.Problem);
        }

        var stored = await database.WriteAsync(session => StoreAsync(session, accountId, key, source, ifVersion, ct), ct);
        if (stored.IsNew) _changes.AddOrUpdate(accountId, 1, (_, count) => count + 1);
        return stored with { Warnings = warnings };
    }

    /// <summary>A template as it was put; null when there is no such template or version.</summary>
    /// <param name="accountId">Whose.</param>
    /// <param name="key">Its key.</param>
    /// <param name="version">Which; null for the latest.</param>
    /// <param name="ct">Cancels.</param>
    public Task<TemplateVersion?> FindAsync(int accountId, string key, int? version, CancellationToken ct) =>
        razor.Find(key) is { } component
            ? Task.FromResult<TemplateVersion?>(component.Describe())
            : database.ReadAsync(session => FindAsync(session, accountId, key, version, ct), ct);

    /// <summary>The account's templates and the installation's Razor components by key. At most 1,000 a page.</summary>
    public async Task<Page<TemplateSummary>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct)
    {
        limit = Math.Clamp(limit, 1, Cursor.MaxLimit);
        var after = Cursor.Read(cursor) ?? "";
        var found = await database.ReadAsync(session => session.QueryAsync("""
            SELECT v.key, v.version, v.subject, v.layout, v.stream, v.created_at,
              CASE WHEN v.html LIKE '%{body}%' OR v.html LIKE '%{ body }%' THEN v.html END
            FROM template t JOIN template_version v ON v.account_id = t.account_id AND v.key = t.key AND v.version = t.latest_version
            WHERE t.account_id = @account AND t.key > @after
            ORDER BY t.key LIMIT @limit
            """,
            row => new TemplateSummary(row.Text(0), row.Int(1), row.Text(2), row.TextOrNull(3), (MessageStream)row.Int(4), row.Instant(5), false) { IsLayout = row.TextOrNull(6) is { } html && IsLayout(html) },
            ct, ("account", accountId), ("after", after), ("limit", limit + 1)), ct);
        var all = found.Concat(razor.All.Where(component => string.CompareOrdinal(component.Key, after) > 0).Select(component => component.Summarize()));
        return Cursor.Page([.. all.OrderBy(template => template.Key, StringComparer.Ordinal).Take(limit + 1)], limit, template => template.Key);
    }

    /// <summary>The versions of a template, the latest first.</summary>
    /// <exception cref="NotFoundException">There is no such template.</exception>
    public async Task<Page<TemplateVersionSummary>> VersionsAsync(int accountId, string key, string? cursor, int limit, CancellationToken ct)
    {
        if (razor.Find(key) is { } component) return new([new(RazorTemplate.OnlyVersion, component.Describe().Source.Subject, null)], null);
        var before = int.MaxValue;
        if (Cursor.Read(cursor) is { } text && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out before))
            throw new InvalidInputException("cursor", "is not a cursor that this list gave");
        var found = await database.ReadAsync(session => session.QueryAsync("""
            SELECT version, subject, created_at FROM template_version WHERE account_id = @account AND key = @key AND version < @before ORDER BY version DESC LIMIT @limit
            """, row => new TemplateVersionSummary(row.Int(0), row.Text(1), row.Instant(2)), ct,
            ("account", accountId), ("key", key), ("before", before), ("limit", limit + 1)), ct);
        if (found.Count == 0 && cursor is null) throw new NotFoundException($"There is no template '{key}'.");
        return Cursor.Page(found, limit, last => last.Version.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>What an author should look at in a template that compiles.</summary>
    /// <exception cref="InvalidInputException">It cannot be taken; names the field.</exception>
    public static IReadOnlyList<string> WarningsOf(TemplateSource source)
    {
        Check(source);
        try
        {
            return TemplateWarnings.Of(source);
        }
        catch (ExpressionException error)
        {
            throw new InvalidInputException("html", error.Message);
        }
    }

    /// <summary>Which of the keys are templates, Razor components included.</summary>
    public async Task<IReadOnlySet<string>> ExistingAsync(Session session, int accountId, IReadOnlyCollection<string> keys, CancellationToken ct) =>
        (await LatestVersionsAsync(session, accountId, keys, ct)).Keys.ToHashSet();

    /// <summary>Which of the keys are layouts: their latest version leaves a place for the body of others, so that it is no mail of its own.</summary>
    public async Task<IReadOnlySet<string>> LayoutsAmongAsync(Session session, int accountId, IReadOnlyCollection<string> keys, CancellationToken ct)
    {
        var stored = await session.QueryAsync("""
            SELECT v.key, v.html FROM {rows} JOIN template t ON t.account_id = @account AND t.key = r.key
            JOIN template_version v ON v.account_id = t.account_id AND v.key = t.key AND v.version = t.latest_version
            """,
            new Rows<string>([.. keys.Distinct().Where(key => razor.Find(key) is null)]).Text("key", key => key), row => (Key: row.Text(0), Html: row.Text(1)), ct, ("account", accountId));
        return stored.Where(template => IsLayout(template.Html)).Select(template => template.Key).ToHashSet();
    }

    /// <summary>The latest versions of those of the keys that are templates, for messages to be pinned to.</summary>
    public async Task<IReadOnlyDictionary<string, int>> LatestVersionsAsync(Session session, int accountId, IReadOnlyCollection<string> keys, CancellationToken ct)
    {
        var versions = new Dictionary<string, int>();
        var stored = new List<string>();
        foreach (var key in keys.Distinct())
            if (razor.Find(key) is not null) versions[key] = RazorTemplate.OnlyVersion;
            else stored.Add(key);
        var found = await session.QueryAsync("""
            SELECT t.key, t.latest_version FROM {rows} JOIN template t ON t.account_id = @account AND t.key = r.key
            """,
            new Rows<string>(stored).Text("key", key => key), row => (row.Text(0), row.Int(1)), ct, ("account", accountId));
        foreach (var (key, version) in found) versions[key] = version;
        return versions;
    }

    /// <summary>Grows with every change of an account's templates made by this process.</summary>
    internal int ChangesOf(int accountId) => _changes.GetValueOrDefault(accountId);

    /// <summary>What a source is compiled with: its layout, what it includes, and theirs, each in its latest version.</summary>
    internal static async Task<IReadOnlyDictionary<string, TemplateVersion>> PartsAsync(Session session, int accountId, string key, TemplateSource source, CancellationToken ct)
    {
        var parts = new Dictionary<string, TemplateVersion>();
        var open = new Queue<TemplateSource>([source]);
        while (open.TryDequeue(out var next))
            foreach (var needed in EmailTemplate.PartsOf(next))
            {
                if (parts.ContainsKey(needed)) continue;
                var part = needed == key
                    ? new TemplateVersion(key, 0, source, default)
                    : await FindAsync(session, accountId, needed, null, ct)
                      ?? throw new TemplateFieldException(needed == next.Layout ? "layout" : "html", $"'{needed}' is not a template of this account: put it first");
                parts[needed] = part;
                if (parts.Count > MostParts) throw new TemplateFieldException("html", $"it includes more than {MostParts} templates");
                open.Enqueue(part.Source);
            }
        return parts;
    }

    internal static Task<TemplateVersion?> FindAsync(Session session, int accountId, string key, int? version, CancellationToken ct) => session.FirstAsync("""
        SELECT v.version, v.subject, v.html, v.text, v.layout, v.stream, v.created_at, v.design
        FROM template t JOIN template_version v ON v.account_id = t.account_id AND v.key = t.key AND v.version = COALESCE(@version, t.latest_version)
        WHERE t.account_id = @account AND t.key = @key
        """,
        row => new TemplateVersion(key, row.Int(0), new TemplateSource(row.Text(1), row.Text(2), row.TextOrNull(3), row.TextOrNull(4), (MessageStream)row.Int(5), row.TextOrNull(7)), row.Instant(6)),
        ct, ("account", accountId), ("key", key), ("version", version))!;

    private static async Task<TemplateVersion> StoreAsync(Session session, int accountId, string key, TemplateSource source, int? ifVersion, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        // Updating the row, even to what it was, locks it: two puts at once take their version numbers one after the other.
        await session.ExecuteAsync("""
            INSERT INTO template (account_id, key, latest_version, created_at, updated_at) VALUES (@account, @key, 1, @now, @now)
            ON CONFLICT (account_id, key) DO UPDATE SET updated_at = template.updated_at
            """, ct, ("account", accountId), ("key", key), ("now", now));
        var latest = await FindAsync(session, accountId, key, null, ct);
        if (latest?.Source == source) return latest;
        if (ifVersion is { } seen && seen != (latest?.Version ?? 0))
            throw new ConflictException($"The template '{key}' has been changed since you opened it: its latest version is {latest?.Version ?? 0}, not {seen}. Read it again, then make your change.");

        var version = latest is null ? 1 : latest.Version + 1;
        await session.ExecuteAsync("""
            UPDATE template SET latest_version = @version, updated_at = @now WHERE account_id = @account AND key = @key
            """, ct, ("version", version), ("now", now), ("account", accountId), ("key", key));
        await session.ExecuteAsync("""
            INSERT INTO template_version (account_id, key, version, subject, html, text, layout, stream, design, created_at)
            VALUES (@account, @key, @version, @subject, @html, @text, @layout, @stream, @design, @now)
            """, ct, ("account", accountId), ("key", key), ("version", version), ("subject", source.Subject), ("html", source.Html),
            ("text", source.Text), ("layout", source.Layout), ("stream", (int)source.Stream), ("design", source.Design), ("now", now));
        await Audit.RecordAsync(session, accountId, "template.put", key, ct, ("version", version));
        return new TemplateVersion(key, version, source, DateTimeOffset.FromUnixTimeMilliseconds(now)) { IsNew = true };
    }

    internal static void Check(TemplateSource source)
    {
        if (string.IsNullOrWhiteSpace(source.Html)) throw new InvalidInputException("html", "is required");
        Check("subject", source.Subject, LongestSubject);
        Check("html", source.Html, LongestPart);
        Check("text", source.Text ?? "", LongestPart);
        CheckDesign(source.Design);
        if (string.IsNullOrWhiteSpace(source.Subject) && !source.Html.Contains("{{{body}}}", StringComparison.Ordinal))
            throw new InvalidInputException("subject", "is required");
    }

    private static bool IsLayout(string html) => html.Contains("body", StringComparison.Ordinal) && TemplateText.Parse(html).Body is not null;

    private static void CheckDesign(string? design)
    {
        if (design is null) return;
        Check("design", design, LongestDesign);
        try
        {
            JsonDocument.Parse(design).Dispose();
        }
        catch (JsonException)
        {
            throw new InvalidInputException("design", "is not JSON text");
        }
    }

    private static void Check(string field, string text, int longest)
    {
        if (text.Length > longest) throw new InvalidInputException(field, $"is longer than {longest} characters");
        for (var i = 0; i < text.Length; i++)
        {
            // PostgreSQL stores neither, and the two databases take the same.
            if (text[i] == '\0') throw new InvalidInputException(field, $"holds a NUL character at {MustacheSource.PlaceText(text, i)}");
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
            else if (char.IsSurrogate(text[i])) throw new InvalidInputException(field, $"holds half a character (a lone surrogate) at {MustacheSource.PlaceText(text, i)}");
        }
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\\z")]
    private static partial Regex KeyShape();
}
