using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Content.Tests;

/// <summary>Storing and versioning, on both databases.</summary>
public sealed class TemplateTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_template_comes_back_as_it_was_put(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);
        await mails.PutAsync("base", "<body>{{{body}}}</body>", subject: "");
        var source = new TemplateSource("Grüße, {{contact.first_name}} 🎉", "<p>Hi</p>", "Hi", "base", MessageStream.Transactional);

        var put = await mails.Templates.PutAsync(Mails.Account, "receipt", source, default);
        var found = await mails.Templates.FindAsync(Mails.Account, "receipt", null, default);

        Assert.Equal((1, true), (put.Version, put.IsNew));
        Assert.Equal(source, found!.Source);
        Assert.Equal(mails.Time.GetUtcNow(), found.CreatedAt);
        Assert.Null(await mails.Templates.FindAsync(Mails.Account, "receipt", 2, default));
        Assert.Null(await mails.Templates.FindAsync(Mails.Account, "Receipt", null, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_template_is_put_only_over_the_version_its_writer_has_seen(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);
        Task<TemplateVersion> PutAsync(string html, int seen) => mails.Templates.PutAsync(Mails.Account, "offer", new TemplateSource("Offer", html), seen, default);

        await PutAsync("<p>1</p>", 0);
        await PutAsync("<p>2</p>", 1);

        foreach (var seen in new[] { 0, 1, 3 }) await Assert.ThrowsAsync<ConflictException>(() => PutAsync("<p>other</p>", seen));
        Assert.Equal("<p>2</p>", (await mails.Templates.FindAsync(Mails.Account, "offer", null, default))!.Source.Html);
        Assert.Equal(3, (await PutAsync("<p>3</p>", 2)).Version);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Only_a_change_makes_a_new_version(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);

        var first = await mails.PutAsync("welcome", "<p>One</p>");
        var same = await mails.PutAsync("welcome", "<p>One</p>");
        var second = await mails.PutAsync("welcome", "<p>Two</p>");

        Assert.Equal([(1, true), (1, false), (2, true)], new[] { first, same, second }.Select(put => (put.Version, put.IsNew)));
        Assert.Equal("<p>One</p>", (await mails.Templates.FindAsync(Mails.Account, "welcome", 1, default))!.Source.Html);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_message_pinned_to_a_version_is_rendered_from_it_after_newer_ones(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);
        await mails.PutAsync("welcome", "<p>One</p>");
        await mails.PutAsync("welcome", "<p>Two</p>");

        Assert.Equal("<p>One</p>", (await mails.RenderAsync("welcome", version: 1)).Html);
        Assert.Equal("<p>Two</p>", (await mails.RenderAsync("welcome")).Html);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_database_refuses_to_change_a_version(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);
        await mails.PutAsync("welcome", "<p>One</p>");

        var error = await Assert.ThrowsAnyAsync<Exception>(() => mails.Database.WriteAsync(session => session.ExecuteAsync("UPDATE template_version SET html = 'x'", default), default));

        Assert.Contains("never changes", error.Message);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Puts_at_once_take_version_numbers_one_after_the_other(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);

        var puts = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => mails.PutAsync("welcome", $"<p>{i}</p>")));

        Assert.Equal(Enumerable.Range(1, 12), puts.Select(put => put.Version).Order());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_never_see_each_others_templates(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);
        await mails.PutAsync("welcome", "<p>Ours</p>");
        await mails.PutAsync("welcome", "<p>Theirs</p>", account: 2);
        await mails.PutAsync("secret", "<p>Theirs</p>", account: 2);

        Assert.Equal("<p>Ours</p>", (await mails.RenderAsync("welcome")).Html);
        Assert.Equal(["welcome"], (await mails.Templates.ListAsync(Mails.Account, null, 100, default)).Items.Select(item => item.Key));
        Assert.Null(await mails.Templates.FindAsync(Mails.Account, "secret", null, default));
        Assert.Empty(await mails.Database.ReadAsync(session => mails.Templates.ExistingAsync(session, Mails.Account, ["secret"], default), default));
        await Assert.ThrowsAsync<RenderException>(() => mails.Renderer.RenderAsync(Mails.Account, "secret", 1, Mails.Model(), MessageStream.Transactional, null, default));
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("thief", "{{> secret}}"));
        Assert.Equal("'secret' is not a template of this account: put it first", error.Problem);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_list_goes_through_all_templates_by_key(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);
        foreach (var key in new[] { "b", "a", "Z", "a.b", "a-b", "aa", "a_b" }) await mails.PutAsync(key, "<p></p>");
        await mails.PutAsync("b", "<p>again</p>");

        var keys = new List<string>();
        string? cursor = null;
        do
        {
            var page = await mails.Templates.ListAsync(Mails.Account, cursor, 3, default);
            keys.AddRange(page.Items.Select(item => $"{item.Key}:{item.Version}"));
            cursor = page.Next;
        } while (cursor is not null);

        Assert.Equal(["Z:1", "a:1", "a-b:1", "a.b:1", "a_b:1", "aa:1", "b:2"], keys);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Known_keys_and_their_latest_versions_come_in_one_query(DatabaseKind kind)
    {
        await using var mails = await Mails.CreateAsync(kind);
        await mails.PutAsync("a", "<p>1</p>");
        await mails.PutAsync("b", "<p>1</p>");
        await mails.PutAsync("b", "<p>2</p>");

        var (existing, latest) = await mails.Database.ReadAsync(async session => (
            await mails.Templates.ExistingAsync(session, Mails.Account, ["a", "b", "c", "a"], default),
            await mails.Templates.LatestVersionsAsync(session, Mails.Account, ["b"], default)), default);

        Assert.Equal(["a", "b"], existing.Order());
        Assert.Equal(2, Assert.Single(latest).Value);
    }

    [Theory]
    [InlineData("", "<p></p>", null, null, "subject: is required")]
    [InlineData("Hi", " ", null, null, "html: is required")]
    [InlineData("Hi {{contact.first_name", "<p></p>", null, null, "subject: this tag has no closing '}}' (line 1, column 4)")]
    [InlineData("Hi", "<p>\n  {{#if contact.x}}</p>", null, null, "html: '{{#if}}' is not closed (line 2, column 3)")]
    [InlineData("Hi", "<p></p>", "{{/each}}", null, "text: '{{/each}}' closes nothing (line 1, column 1)")]
    [InlineData("Hi", "<p>{{shout contact.first_name}}</p>", null, null, "html: there is no helper 'shout'")]
    [InlineData("Hi", "<p>{{#if (near a b)}}x{{/if}}</p>", null, null, "html: there is no helper 'near'")]
    [InlineData("Hi", "<p></p>", null, "base", "layout: 'base' is not a template of this account")]
    [InlineData("Hi", "<p></p>", null, "plain", "layout: 'plain' has no {{{body}}} for this template to fill")]
    [InlineData("Hi", "<a href={{event.url}}>x</a>", null, null, "html: put quotes around the attribute's value")]
    [InlineData("Hi", "<a {{event.attributes}}>x</a>", null, null, "html: put quotes around the attribute's value")]
    [InlineData("Hi", "{{#*inline \"x\"}}{{/inline}}", null, null, "html: inline partials are not supported")]
    [InlineData("Hi", "{{> (lookup event \"name\")}}", null, null, "html: what is included must be written out")]
    [InlineData("Hi", "{{{{raw}}}}{{{{/raw}}}}", null, null, "html: raw blocks")]
    [InlineData("Hi", "{{#if a}}{{/unless}}", null, null, "html: '{{/unless}}' stands where '{{/if}}' was expected")]
    [InlineData("Hi", "{{else}}", null, null, "html: '{{else}}' stands outside a block")]
    [InlineData("Hi", "{{contact.a\"b\"}}", null, null, "html: '\"' cannot stand here")]
    [InlineData("Hi", "{{default contact.a \"}}\"}}", null, null, "html: text and names inside a tag cannot hold braces")]
    [InlineData("Hi", "{{contact.a!}}", null, null, "html: '!' cannot stand here")]
    [InlineData("Hi", "a\0b", null, null, "html: holds a NUL character at line 1, column 2")]
    public async Task What_cannot_be_compiled_is_refused_and_the_field_named(string subject, string html, string? text, string? layout, string expected)
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("plain", "<p></p>");

        var error = await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("bad", html, subject, text, layout));

        Assert.StartsWith(expected, error.Message);
        Assert.Null(await mails.Templates.FindAsync(Mails.Account, "bad", null, default));
    }

    [Fact]
    public async Task Half_a_character_is_refused()
    {
        await using var mails = await Mails.CreateAsync();

        var error = await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("bad", "<p>🎉 a\ud800b</p>"));

        Assert.Equal("html: holds half a character (a lone surrogate) at line 1, column 8", error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("a b")]
    [InlineData("a\n")]
    public async Task A_key_that_is_no_name_is_refused(string key)
    {
        await using var mails = await Mails.CreateAsync();

        Assert.Equal("key", (await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync(key, "<p></p>"))).Field);
    }

    [Fact]
    public async Task A_template_nested_to_exhaust_the_compiler_is_refused()
    {
        await using var mails = await Mails.CreateAsync();
        var nested = string.Concat(Enumerable.Repeat("{{#if contact.a}}", 20_000)) + string.Concat(Enumerable.Repeat("{{/if}}", 20_000));
        // Shapes that a scanner and a compiler may read differently: what is hidden from the one would be nested for the other.
        var hidden = string.Concat(Enumerable.Repeat("\\{{ {{#if contact.a}}", 20_000));
        var quoted = string.Concat(Enumerable.Repeat("{{#if a'\"}}{{#if contact.a}}'}}", 10_000));
        var comments = string.Concat(Enumerable.Repeat("{{!-- }} {{#if contact.a}} --}}{{! x}}", 2_000));
        var calls = "{{#if " + new string('(', 900) + "not a" + new string(')', 900) + "}}{{/if}}";

        Assert.Contains("nested deeper than 40", (await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("deep", nested))).Message);
        Assert.Contains("nested too deep", (await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("deep", calls))).Message);
        Assert.Contains("nested deeper than 40", (await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("deep", hidden))).Message);
        Assert.Contains("cannot stand here", (await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("deep", quoted))).Message);
        Assert.Equal("", (await mails.MailAsync(comments)).Html);
        Assert.Contains("is longer than", (await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("long", new string('x', 600_000)))).Message);
    }

    [Fact]
    public async Task A_misspelt_variable_is_warned_of_and_what_a_mail_has_is_not()
    {
        await using var mails = await Mails.CreateAsync();

        var put = await mails.PutAsync("welcome", """
            <p>{{contat.first_name}} {{contact.first_name}} {{trigger.x}} {{journey.name}} {{message.id}} {{sender.email}} {{unsubscribe_url}}</p>
            {{#if event.items}}{{#each event.items as |item i|}}{{name}} {{this}} {{@index}} {{item.price}} {{../x}}{{/each}}{{/if}}
            {{#with contact}}{{first_name}}{{/with}} {{default contact.last_name fallback}} {{sender.adress}} {{upper name}}
            """, subject: "Hi {{first_name}}");

        Assert.Equal(
            ["subject: 'first_name' at line 1, column 4", "html: 'contat.first_name' at line 1, column 4", "html: 'fallback' at line 3, column 42", "html: 'sender.adress' at line 3, column 81", "html: 'name' at line 3, column 99"],
            put.Warnings.Select(warning => warning[..warning.IndexOf(" is no variable", StringComparison.Ordinal)]));
    }

    [Fact]
    public async Task A_variable_of_the_mail_inside_a_loop_is_warned_of_unless_it_starts_at_the_root()
    {
        await using var mails = await Mails.CreateAsync();

        var put = await mails.PutAsync("mail", "{{#each event.items}}{{contact.email}}{{@root.contact.email}}{{../x}}{{/each}}{{#each event.items as |event|}}{{event.name}}{{/each}}");

        Assert.Equal(["html: 'contact.email' at line 1, column 22 stands inside each or with, where names start at the item: write '@root.contact.email'"], put.Warnings);
    }
}
