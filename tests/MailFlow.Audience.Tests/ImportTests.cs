using System.Text;
using MailFlow.Audience.Importing;
using MailFlow.Data;
using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

/// <summary>CSV in and out.</summary>
public sealed class ImportTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Good_lines_are_suppressed_bad_ones_told_by_line_and_column_and_again_changes_nothing(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        const string csv = """
            Email,reason,scope,Detail,expires_at,at
            ada@example.org,hard bounce,,"said ""no"",
            and meant it",,2025-03-01T00:00:00Z

            not an address,,,,,
            @rival.example,competitor,,,,
            bob@example.org,,some,,,
            carol@example.org,,marketing,,2020-01-01,
            ADA@example.org,unsubscribed,,,,
            dave@example.org,unsubscribed,transactional,,2027-01-01T00:00:00Z,
            eve@example.org,,,,,,,
            """;

        var tried = await ImportAsync(audience, csv, dryRun: true);
        Assert.Empty((await audience.Suppressions.ListAsync(1, null, 10, default)).Items);
        var first = await ImportAsync(audience, csv);
        var again = await ImportAsync(audience, csv);

        Assert.Equivalent(first with { DryRun = true }, tried);
        Assert.Equal((8, 3, 0, 1, 4), (first.Lines, first.Added, first.Changed, first.Unchanged, first.Rejected));
        Assert.Equal([(5, "email"), (7, "scope"), (8, "expires_at"), (11, "line")], first.Errors.Select(error => ((int)error.Line, error.Field)));
        Assert.Equal((0, 0, 4), (again.Added, again.Changed, again.Unchanged));
        var listed = (await audience.Suppressions.ListAsync(1, null, 10, default)).Items;
        Assert.Equal(["@rival.example competitor import", "ada@example.org hard_bounce import", "dave@example.org unsubscribed import"], listed.Select(s => $"{s.Email} {s.Reason} {s.Source}"));
        Assert.Equal(("said \"no\",\nand meant it", new DateTimeOffset(2025, 3, 1, 0, 0, 0, TimeSpan.Zero)), (listed[1].Detail!.ReplaceLineEndings("\n"), listed[1].At));
        Assert.Equal(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero), listed[2].ExpiresAt);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_is_exported_can_be_imported_and_holds_no_formula(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Suppressions.AddAsync(1, "=cmd|' /c calc'!a1@example.org".Replace("|' /c calc'!a1", ""), "=HYPERLINK(\"http://evil.example\")", null, "+api", default, "-1+1");
        await audience.Suppressions.AddAsync(1, "'=b2@example.org", "manual", null, "'+api", default); // the apostrophe is its own
        await audience.Suppressions.AddAsync(1, "@example.org", "\tTab", "marketing", "@source", default, "a,\"b\";\r\nc", audience.Time.GetUtcNow().AddDays(1));

        var exported = await ExportAsync(audience, 1);

        foreach (var cell in exported.Split("\r\n").SelectMany(line => line.Split(',')).Select(cell => cell.Trim('"')).Where(cell => cell.Length > 0))
            Assert.DoesNotContain(cell[0], "=+-@\t\r");
        await ImportAsync(audience, exported, account: 2);
        Assert.Equal(exported, await ExportAsync(audience, 2));
        Assert.Equal("'+api", Assert.Single(await audience.Suppressions.OfAsync(2, "'=b2@example.org", default), each => each.Source != "@source").Source); // seen red: it came back as =b2@example.org
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_import_of_suppressions_is_all_or_nothing(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var csv = "email\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"u{i}@example.org\n")) + "\"left open";

        await Assert.ThrowsAsync<InvalidInputException>(() => ImportAsync(audience, csv));

        Assert.Empty((await audience.Suppressions.ListAsync(1, null, 10, default)).Items);
        Assert.Equal(5000, (await ImportAsync(audience, csv.Replace("\"left open", ""))).Added);
    }

    [Theory]
    [InlineData("", "heading")]
    [InlineData("mail\nada@example.org", "heading")]
    [InlineData("email,colour\nada@example.org,red", "heading")]
    [InlineData("email,email\n", "heading")]
    [InlineData("email\n\"ada@example.org", "body")]
    public async Task What_is_no_table_is_refused(string csv, string field)
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => ImportAsync(audience, csv))).Field);
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_are_refused()
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        using var stream = new MemoryStream([.. "email\n"u8, 0xff, 0xfe, .. "@example.org\n"u8]);
        Assert.Equal("body", (await Assert.ThrowsAsync<InvalidInputException>(() => audience.Get<SuppressionFile>().ImportAsync(1, stream, false, default))).Field);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Contacts_are_made_and_changed_with_attributes_tags_and_consents(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Contacts.PutAsync(1, "u1", JsonData.ParseMap("""{"email":"old@example.org","first_name":"Ada","plan":"free"}"""), default);
        const string csv = """
            user_id;email;first_name;tags;attributes.plan;attributes.orders;attributes.code;consents.newsletter
            u1;ada@example.org;;vip|beta;pro;3;007;yes
            u2;nobody;Bob;;;;;
            u3;carol@example.org;'=cmd();;true;-1.5;+49 89;no
            ;dave@example.org;;;;;;
            u4;;;;;;;maybe
            """;

        var tried = await ImportContactsAsync(audience, csv, dryRun: true);
        Assert.Null(await audience.Contacts.FindAsync(1, "u3", default));
        var report = await ImportContactsAsync(audience, csv);
        var again = await ImportContactsAsync(audience, csv);

        Assert.Equal((5, 1, 1, 0, 3), (report.Lines, report.Added, report.Changed, report.Unchanged, report.Rejected));
        Assert.Equal((1, 1, 3), (tried.Added, tried.Changed, tried.Rejected));
        Assert.Equal((0, 0, 2), (again.Added, again.Changed, again.Unchanged));
        Assert.Equal([(3, "email"), (5, "user_id"), (6, "consents.newsletter")], report.Errors.Select(error => ((int)error.Line, error.Field)));
        var ada = (await audience.Contacts.FindAsync(1, "u1", default))!;
        Assert.Equal(("ada@example.org", "Ada", "pro", 3L, "007", "vip,beta", true),
            (ada.Email, ada.FirstName, ada.Attributes["plan"], ada.Attributes["orders"], ada.Attributes["code"], string.Join(',', ada.Tags), ada.Consents["newsletter"]));
        var carol = (await audience.Contacts.FindAsync(1, "u3", default))!;
        Assert.Equal(("=cmd()", true, -1.5, "+49 89", false), (carol.FirstName, carol.Attributes["plan"], carol.Attributes["orders"], carol.Attributes["code"], carol.Consents["newsletter"]));
        Assert.Null(await audience.Contacts.FindAsync(1, "u2", default));
    }

    // Seen red.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_yes_in_a_file_undoes_no_refusal_but_one_from_a_file_and_is_told_as_kept_withdrawn(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        const string csv = "user_id,first_name,consents.news\nada,Ada,yes\nbob,Bob,yes\ncyd,Cyd,yes\ndan,Dan,no\neve,Eve,yes\n";
        Assert.Equal(0, (await ImportContactsAsync(audience, csv)).KeptWithdrawn);
        audience.Time.Advance(TimeSpan.FromMinutes(1));
        await audience.Contacts.RecordConsentAsync(1, "ada", new("news", false, Source: "phone"), default);
        await audience.Contacts.RecordConsentAsync(1, "bob", new("marketing", false), default);
        await audience.Contacts.RecordConsentAsync(1, "cyd", new("marketing", false), default);
        audience.Time.Advance(TimeSpan.FromMinutes(1));
        await audience.Contacts.RecordConsentAsync(1, "cyd", new("news", true), default); // the later of the two

        audience.Time.Advance(TimeSpan.FromMinutes(1));
        var again = await ImportContactsAsync(audience, csv.Replace("no", "yes").Replace("Ada", "Adele"));

        Assert.Equal((2, 3, 2), (again.Changed, again.Unchanged, again.KeptWithdrawn)); // Ada's name and Dan's yes; of Ada and Bob
        foreach (var (user, goes) in new[] { ("ada", false), ("bob", false), ("cyd", true), ("dan", true), ("eve", true) })
        {
            var id = (await audience.Contacts.FindAsync(1, user, default))!.Id;
            Assert.Equal(goes, await audience.Database.ReadAsync(async session => (await audience.Consents.GrantedAsync(session, 1, "news", [id], default)).Count == 1
                && (await audience.Consents.RefusedMarketingAsync(session, 1, "news", [id], default)).Count == 0, default));
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_file_of_many_chunks_comes_in_whole(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var csv = "user_id,email\n" + string.Concat(Enumerable.Range(0, 1234).Select(i => $"u{i},u{i}@example.org\n"));

        var report = await ImportContactsAsync(audience, csv);

        Assert.Equal((1234, 1234), (report.Lines, report.Added));
        Assert.Equal(1234, await audience.Database.ReadAsync(s => s.ScalarAsync<long>("SELECT count(*) FROM contact WHERE email IS NOT NULL", default), default));
    }

    private static async Task<ImportReport> ImportAsync(AudienceFixture audience, string csv, bool dryRun = false, int account = 1)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(csv));
        return await audience.Get<SuppressionFile>().ImportAsync(account, stream, dryRun, default);
    }

    private static async Task<ImportReport> ImportContactsAsync(AudienceFixture audience, string csv, bool dryRun = false)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(csv));
        return await audience.Get<ContactImport>().ImportAsync(1, stream, dryRun, default);
    }

    private static async Task<string> ExportAsync(AudienceFixture audience, int account)
    {
        var text = new StringBuilder();
        await audience.Get<SuppressionFile>().ExportAsync(account, part => { text.Append(part); return Task.CompletedTask; }, default);
        return text.ToString();
    }
}
