using MailFlow.Data;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Tests.Expressions;

public class HandlebarsTextTests
{
    private static readonly IReadOnlyDictionary<string, object?> Model = new Dictionary<string, object?>(JsonData.ParseMap("""
        {"contact":{"first_name":"Ada & <Co>","plan":"pro","empty":"","nothing":null,"time_zone":"Europe/Berlin","age":36,"score":2.5,"vip":true,"tags":["a","b"],"address":{"city":"London"}},
         "event":{"total":1234.5,"at":"2026-03-10T23:30:00Z","ms":1773185400000,"items":[{"sku":"x","n":1},{"sku":"y","n":2}],"prices":{"a":1,"b":2}}}
        """))
    {
        ["now"] = new DateTimeOffset(2026, 3, 10, 12, 0, 0, TimeSpan.Zero),
        ["wait"] = TimeSpan.FromHours(26),
    };

    [Theory]
    [InlineData("Hi {{contact.first_name}}", "Hi Ada & <Co>")]
    [InlineData("{{contact.age}} {{contact.score}} {{contact.vip}} {{now}} {{wait}} {{contact.tags}}", "36 2.5 true 2026-03-10T12:00:00Z P1DT2H a, b")]
    [InlineData("{{#each event.items}}{{@index}}{{sku}}{{#unless @last}},{{/unless}}{{/each}}", "0x,1y")]
    [InlineData("{{#each event.prices}}{{@key}}={{this}};{{/each}}", "a=1;b=2;")]
    [InlineData("{{#each event.nothing}}x{{else}}none{{/each}}", "none")]
    [InlineData("{{#if contact.vip}}yes{{else}}no{{/if}}{{#if contact.empty}}yes{{else}}no{{/if}}", "yesno")]
    [InlineData("{{#with contact.address}}{{city}} {{../contact.plan}}{{/with}}", "London pro")]
    [InlineData("{{contact.tags.[1]}} {{contact.tags.length}} {{lookup contact.address \"city\"}}", "b 2 London")]
    [InlineData("{{default contact.nick \"there\"}} {{default contact.empty 'x'}} {{default contact.plan 'x'}}", "there x pro")]
    [InlineData("{{date event.at}} {{date event.at \"yyyy-MM-dd HH:mm\" contact.time_zone}} {{date event.ms \"HH:mm\" \"No/Where\"}} {{date now 'dddd'}}", "10 March 2026 2026-03-11 00:30 23:30 Tuesday")]
    [InlineData("{{number event.total}} {{number event.total 2}} {{currency event.total \"EUR\"}} {{currency event.total 'SEK'}} {{currency '7' 'JPY'}} {{currency 2.675}}", "1,235 1,234.50 €1,234.50 1,234.50 SEK ¥7 2.68")]
    [InlineData("{{upper contact.plan}} {{lower \"ABC\"}} {{upper (default contact.nick 'b')}}", "PRO abc B")]
    [InlineData("{{#if (eq contact.plan \"pro\")}}P{{else}}F{{/if}}{{#if (eq contact.age 37)}}P{{else if contact.vip}}V{{/if}}", "PV")]
    [InlineData("{{! a comment }}{{!-- another {{x}} --}}a\\{{b}}", "a{{b}}")]
    [InlineData("{{> footer}} {{#each event.items}}{{> footer}}{{/each}}", "-/pro -/-/")]
    public void Template_renders(string template, string text)
    {
        var partials = new Dictionary<string, string> { ["footer"] = "-{{> inner}}", ["inner"] = "/{{contact.plan}}" };
        Assert.Equal(text, HandlebarsText.Compile(template, html: false, partials).Render(Model));
    }

    [Fact]
    public void Values_are_escaped_for_html_unless_asked_for_raw()
    {
        var partials = new Dictionary<string, string> { ["name"] = "{{contact.first_name}}" };
        Assert.Equal("Ada &amp; &lt;Co&gt; Ada & <Co> Ada &amp; &lt;Co&gt;", HandlebarsText.Compile("{{contact.first_name}} {{{contact.first_name}}} {{> name}}", html: true, partials).Render(Model));
    }

    [Fact]
    public void Values_that_were_to_be_shown_and_are_missing_are_named()
    {
        var missing = new List<string>();
        var text = HandlebarsText.Compile("a{{contact.nick}}{{contact.nothing}}{{contact.address.zip.code}}{{upper contact.gone}}{{default contact.other 'x'}}{{#if contact.unasked}}{{/if}}{{nope}}{{contact.nick}}b", html: true).Render(Model, missing);
        Assert.Equal("axb", text);
        Assert.Equal(["contact.nick", "contact.nothing", "contact.address.zip.code", "contact.gone", "nope"], missing);
    }

    [Theory]
    [InlineData("a\n {{contact.name", "no closing", 2, 2)]
    [InlineData("{{}}", "empty", 1, 1)]
    [InlineData("{{shout contact.name}}", "no helper 'shout'", 1, 1)]
    [InlineData("{{upper (shout contact.name)}}", "no helper 'shout'", 1, 1)]
    [InlineData("{{#loop contact.tags}}{{/loop}}", "no block helper 'loop'", 1, 1)]
    [InlineData("x{{> header}}", "no partial 'header'", 1, 2)]
    [InlineData("{{> Header}}", "no partial 'Header'", 1, 1)]
    [InlineData("{{> (lookup contact 'plan')}}", "not computed", 1, 1)]
    [InlineData("{{#*inline 'x'}}{{/inline}}", "not supported", 1, 1)]
    public void Mistake_is_named_with_its_place(string template, string problem, int line, int column)
    {
        var error = Assert.Throws<ExpressionException>(() => HandlebarsText.Compile(template, html: true));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (error.Line, error.Column));
    }

    [Theory]
    [InlineData("{{#if contact.vip}}yes")]
    [InlineData("{{#if contact.vip}}yes{{/each}}")]
    [InlineData("yes{{/if}}")]
    [InlineData("{{#each}}{{/each}}")]
    [InlineData("{{upper 'x}}")]
    public void What_handlebars_refuses_is_refused_when_compiled(string template) =>
        Assert.Throws<ExpressionException>(() => HandlebarsText.Compile(template, html: true));

    [Fact]
    public void Templates_reach_no_members_of_objects_and_no_files()
    {
        var model = new Dictionary<string, object?> { ["uri"] = new Uri("https://example.org/"), ["text"] = "abc", ["list"] = new List<object?> { 1L } };
        Assert.Equal("  ", HandlebarsText.Compile("{{uri.Host}} {{text.Length}} {{list.Count}}{{list.Capacity}}{{uri}}", html: false).Render(model));
        Assert.Throws<ExpressionException>(() => HandlebarsText.Compile("{{> ../../etc/passwd}}", html: false));
        Assert.Equal("ab", HandlebarsText.Compile("a{{!< layout}}b", html: false).Render(model));
    }

    [Fact]
    public void Rendering_is_bounded_in_length_rounds_and_depth()
    {
        var model = new Dictionary<string, object?> { ["many"] = Enumerable.Repeat<object?>("x", 1_000).ToList(), ["long"] = new string('x', 600_000) };
        Assert.Contains("longer than", Assert.Throws<ExpressionException>(() => HandlebarsText.Compile("{{long}}{{long}}", html: true).Render(model)).Message, StringComparison.Ordinal);
        Assert.Contains("loops more than", Assert.Throws<ExpressionException>(() => HandlebarsText.Compile("{{#each many}}{{#each ../many}}{{/each}}{{/each}}", html: true).Render(model)).Message, StringComparison.Ordinal);
        var partials = new Dictionary<string, string> { ["self"] = "{{> self}}{{> self}}{{> self}}{{> self}}{{> self}}{{> self}}{{> self}}{{> self}}{{> self}}" };
        Assert.Throws<ExpressionException>(() => HandlebarsText.Compile("{{> self}}", html: true, partials).Render(model));
        Assert.Contains("nested", Assert.Throws<ExpressionException>(() => HandlebarsText.Compile(string.Concat(Enumerable.Repeat("{{#if a}}", 10_000)), html: true)).Message, StringComparison.Ordinal);
        Assert.Contains("nested", Assert.Throws<ExpressionException>(() => HandlebarsText.Compile("{{upper " + string.Concat(Enumerable.Repeat("(upper ", 5_000)) + "}}", html: true)).Message, StringComparison.Ordinal);
        Assert.Equal("b", HandlebarsText.Compile("{{#if many}}b{{/if}}", html: true).Render(model));
    }

    [Fact]
    public void One_template_renders_on_many_threads_each_with_its_own_warnings()
    {
        var template = HandlebarsText.Compile("{{#each list}}{{this}}{{/each}}{{id}}{{gone}}", html: true);
        Parallel.For(0, 2_000, i =>
        {
            var missing = new List<string>();
            var text = template.Render(new Dictionary<string, object?> { ["id"] = (long)i, ["list"] = new List<object?> { (long)i, "," } }, missing);
            Assert.Equal($"{i},{i}", text);
            Assert.Equal(["gone"], missing);
        });
    }
}
