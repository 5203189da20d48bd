namespace MailFlow.Content.Tests;

/// <summary>What a template's text becomes.</summary>
public sealed class RenderingTests
{
    [Theory]
    [InlineData("Hi {{contact.first_name}}!", "Hi Ada!")]
    [InlineData("{{contact.email}} {{ contact.user_id }}", "ada@example.test u1")]
    [InlineData("{{event.total}} {{event.items.length}} {{event.items.1.name}}", "1234.5 2 Cup &amp; saucer")]
    [InlineData("{{#if contact.first_name}}yes{{else}}no{{/if}}", "yes")]
    [InlineData("{{#if contact.last_name}}yes{{else if contact.email}}mail{{else}}no{{/if}}", "mail")]
    [InlineData("{{#unless contact.last_name}}none{{/unless}}", "none")]
    [InlineData("{{^if contact.last_name}}none{{/if}}", "none")]
    [InlineData("{{#each event.items}}{{@index}}:{{name}}{{#unless @last}}, {{/unless}}{{/each}}", "0:Tea, 1:Cup &amp; saucer")]
    [InlineData("{{#each event.nothing}}x{{else}}empty{{/each}}", "empty")]
    [InlineData("{{#each event.items as |item i|}}{{i}}{{item.name}};{{/each}}", "0Tea;1Cup &amp; saucer;")]
    [InlineData("{{#each contact.tags}}{{this}}{{/each}}", "vip")]
    [InlineData("{{#each journey}}{{@key}}={{this}}{{/each}}", "name=Welcome")]
    [InlineData("{{#with contact}}{{first_name}} of {{../journey.name}} {{@root.sender.name}}{{/with}}", "Ada of Welcome Acme Ltd")]
    [InlineData("{{default contact.last_name \"friend\"}} {{default contact.first_name \"friend\"}}", "friend Ada")]
    [InlineData("{{upper contact.first_name}} {{lower contact.first_name}} {{url \"a b&c\"}}", "ADA ada a%20b%26c")]
    [InlineData("{{currency event.total \"USD\"}} {{currency event.total \"EUR\"}} {{currency event.total \"JPY\"}} {{currency event.total \"CHF\"}}", "$1,234.50 €1,234.50 ¥1,235 1,234.50 CHF")]
    [InlineData("{{number event.total}} {{number event.total 2}} {{number event.items.length}}", "1,235 1,234.50 2")]
    [InlineData("{{date event.at}} | {{date event.at \"ddd d MMM HH:mm\" \"Europe/Berlin\"}} | {{date event.at \"HH:mm\"}}", "29 March 2026 | Sun 29 Mar 03:30 | 01:30")]
    [InlineData("{{#if (eq contact.first_name \"Ada\")}}a{{/if}}{{#if (gt event.total 1000)}}b{{/if}}{{#if (and contact.email (not contact.last_name))}}c{{/if}}", "abc")]
    [InlineData("{{upper (default contact.last_name \"friend\")}}", "FRIEND")]
    [InlineData("{{lookup contact \"first_name\"}}", "Ada")]
    [InlineData("a {{~contact.first_name~}} b", "aAdab")]
    [InlineData("{{! nothing }}{{!-- {{x}} --}}a", "a")]
    [InlineData("\\{{contact.first_name}} \\\\{{contact.first_name}} \\{{{contact.first_name}}}", "{{contact.first_name}} \\Ada {{{contact.first_name}}}")]
    [InlineData("{{contact.[first_name]}} {{lookup event \"total\"}} {{#with contact as |c|}}{{c.email}}{{/with}}", "Ada 1234.5 ada@example.test")]
    [InlineData("{{#if contact.last_name}}a{{^}}b{{/if}}", "b")]
    [InlineData("{{contact}}{{contact.tags}}", "vip")]
    [InlineData("{{{contact.user_id}}}} {{contact.user_id}}}}{{#if contact.email}}}x{{/if}}}", "u1} u1}}}x}")]
    public async Task Handlebars_is_rendered(string html, string expected)
    {
        await using var mails = await Mails.CreateAsync();

        Assert.Equal(expected, (await mails.MailAsync(html)).Html);
    }

    [Fact]
    public async Task Values_are_escaped_in_html_and_only_there()
    {
        await using var mails = await Mails.CreateAsync();
        var model = Mails.Model(contact: """{"first_name":"<script>alert(1)</script> & \"co\""}""");

        var mail = await mails.MailAsync("""<p title="{{contact.first_name}}">{{contact.first_name}}</p>""", "For {{contact.first_name}}", "Hi {{contact.first_name}}", model);

        Assert.Equal("""<p title="&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;co&quot;">&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;co&quot;</p>""", mail.Html);
        Assert.Equal("For <script>alert(1)</script> & \"co\"", mail.Subject);
        Assert.Equal("Hi <script>alert(1)</script> & \"co\"", mail.Text);
    }

    [Fact]
    public async Task Three_braces_put_out_a_value_as_it_is_and_are_warned_of()
    {
        await using var mails = await Mails.CreateAsync();
        var put = await mails.PutAsync("mail", "<p>{{{event.block}}}</p>");

        Assert.Equal("<p><b>x</b></p>", (await mails.RenderAsync("mail", Mails.Model(@event: """{"block":"<b>x</b>"}"""))).Html);
        Assert.Contains("three braces", Assert.Single(put.Warnings));
    }

    [Theory]
    [InlineData("Ada\\r\\nBcc: everyone@example.test", "Hi Ada Bcc: everyone@example.test")]
    [InlineData("Ada\\u2028x\\u0000y", "Hi Ada xy")]
    [InlineData("{{sender.postal_address}}", "Hi {{sender.postal_address}}")]
    public async Task A_subject_is_one_line_whatever_is_in_the_data(string name, string expected)
    {
        await using var mails = await Mails.CreateAsync();

        var mail = await mails.MailAsync("<p></p>", "Hi {{contact.first_name}}", model: Mails.Model(contact: $$"""{"first_name":"{{name}}"}"""));

        Assert.Equal(expected, mail.Subject);
    }

    [Fact]
    public async Task An_empty_subject_is_refused_and_a_long_one_cut()
    {
        await using var mails = await Mails.CreateAsync();

        var error = await Assert.ThrowsAsync<RenderException>(() => mails.MailAsync("<p></p>", "{{contact.nickname}}"));
        Assert.Equal("the subject of 'mail' is empty once rendered", error.Message);
        var mail = await mails.MailAsync("<p></p>", "{{event.text}}", model: Mails.Model(@event: $$"""{"text":"{{new string('x', 999)}}"}"""));
        Assert.Equal(255, mail.Subject.Length);
    }

    [Fact]
    public async Task A_steps_own_subject_stands_in_for_the_templates()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("mail", "<p></p>", "Ours");

        Assert.Equal("For Ada", (await mails.RenderAsync("mail", subject: "For {{contact.first_name}}")).Subject);
        Assert.Equal("Ours", (await mails.RenderAsync("mail", subject: " ")).Subject);
        Assert.Equal("50 % off { {today", (await mails.RenderAsync("mail", subject: "50 % off {{today")).Subject);
    }

    [Fact]
    public async Task Missing_variables_are_reported_by_their_path_and_show_as_nothing()
    {
        await using var mails = await Mails.CreateAsync();

        var mail = await mails.MailAsync(
            "<p>{{contact.last_name}}{{event.code}}{{upper contact.city}}{{default contact.nick \"x\"}}{{#if contact.vip}}{{contact.tier}}{{/if}}{{#each event.items}}{{colour}}{{/each}}</p>");

        Assert.Equal("<p>x</p>", mail.Html);
        Assert.Equal(["contact.last_name", "event.code", "contact.city", "colour"], mail.MissingVariables);
    }

    [Theory]
    [InlineData("javascript:alert(1)", "#")]
    [InlineData(" JaVa\\tscript:alert(1)", "#")]
    [InlineData("data:text/html,x", "#")]
    [InlineData("vbscript:x", "#")]
    [InlineData("https://shop.test/?a=1&b=2", "https://shop.test/?a=1&amp;b=2")]
    [InlineData("mailto:a@b.test", "mailto:a@b.test")]
    [InlineData("/cart?x=a:b", "/cart?x=a:b")]
    public async Task An_address_from_data_cannot_be_a_script(string url, string expected)
    {
        await using var mails = await Mails.CreateAsync();
        var model = Mails.Model(@event: $$"""{"url":"{{url}}"}""");

        var mail = await mails.MailAsync("<a class=\"b\" href=\"{{event.url}}\">x</a><a href = '{{#if event.url}}{{default event.url \"#\"}}{{/if}}'>y</a><i title=\"{{event.url}}\"></i>", model: model);

        Assert.StartsWith($"<a class=\"b\" href=\"{expected}\">x</a><a href = '{expected}'>y</a>", mail.Html);
        Assert.Equal(expected == "#", mail.ReplacedUnsafeLink);
    }

    [Fact]
    public async Task Values_are_never_reflected_over()
    {
        await using var mails = await Mails.CreateAsync();

        var mail = await mails.MailAsync("{{contact.first_name.Length}}{{contact.Count}}{{contact.Keys}}{{event.items.Capacity}}{{contact.GetType}}{{#each contact.first_name}}x{{/each}}{{#with contact.email}}{{Length}}{{/with}}");

        Assert.Equal("", mail.Html);
    }

    [Fact]
    public async Task A_name_of_another_case_is_another_variable()
    {
        await using var mails = await Mails.CreateAsync();

        var mail = await mails.MailAsync("{{event.Name}} {{event.name}}", model: Mails.Model(@event: """{"Name":"A","name":"b"}"""));

        Assert.Equal("A b", mail.Html);
    }

    [Fact]
    public async Task A_mail_and_its_loops_are_bounded()
    {
        await using var mails = await Mails.CreateAsync();
        var list = $"[{string.Join(',', Enumerable.Range(0, 1000))}]";
        var model = Mails.Model(@event: $$"""{"a":{{list}},"text":"{{new string('x', 100_000)}}"}""");

        var size = await Assert.ThrowsAsync<RenderException>(() => mails.MailAsync("{{#each event.a}}{{event.text}}{{@root.event.text}}{{/each}}", model: model));
        var steps = await Assert.ThrowsAsync<RenderException>(() => mails.MailAsync("{{#each event.a}}{{#each @root.event.a}}{{#each @root.event.a}}{{/each}}{{/each}}{{/each}}", model: model));

        Assert.Contains("longer than 1048576 characters", size.Message);
        Assert.Contains("loops more than 100000 times", steps.Message);
    }

    [Fact]
    public async Task Many_threads_render_one_template_at_once()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("mail", "{{#each event.items}}{{name}} {{../contact.first_name}}{{contact.gone}};{{/each}}");

        var rendered = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(() => mails.Renderer.RenderAsync(
            Mails.Account, "mail", 1, Mails.Model(contact: $$"""{"first_name":"n{{i}}"}"""), MailFlow.Engine.Definitions.MessageStream.Transactional, "Subject {{contact.first_name}}", default))));

        Assert.All(rendered.Index(), mail => Assert.StartsWith($"Tea n{mail.Index};Cup &amp; saucer n{mail.Index};", mail.Item.Html));
        Assert.All(rendered.Index(), mail => Assert.Equal($"Subject n{mail.Index}", mail.Item.Subject));
    }
}
