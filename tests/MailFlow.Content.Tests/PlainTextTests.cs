using MailFlow.Content.Html;

namespace MailFlow.Content.Tests;

/// <summary>The plain text part that is made out of HTML.</summary>
public sealed class PlainTextTests
{
    [Theory]
    [InlineData("<p>One</p><p>Two</p>", "One\n\nTwo")]
    [InlineData("<h1>Title</h1><p>Text\n   over   lines</p>", "Title\n\nText over lines")]
    [InlineData("a<br>b<br><br>c", "a\nb\n\nc")]
    [InlineData("<div>a</div><div>b</div>", "a\nb")]
    [InlineData("<p>See <a href=\"https://a.test/x\">our page</a>.</p>", "See our page (https://a.test/x).")]
    [InlineData("<a href=\"https://a.test\">https://a.test</a>", "https://a.test")]
    [InlineData("<a href=\"mailto:a@b.test\">a@b.test</a> <a href=\"mailto:a@b.test\">Write</a>", "a@b.test Write (a@b.test)")]
    [InlineData("<a href=\"#top\">Top</a><a name=\"x\">here</a>", "Tophere")]
    [InlineData("<a href=\"https://a.test\"><img src=\"x.png\" alt=\"Shop\"></a>", "Shop (https://a.test)")]
    [InlineData("<a href=\"https://a.test\"><img src=\"x.png\"></a>", "https://a.test")]
    [InlineData("<p><img src=\"logo.png\" alt=\"Acme\"> <img src=\"pixel.gif\" alt=\"\"></p>", "Acme")]
    [InlineData("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n  - c")]
    [InlineData("<ol start=\"3\"><li>a</li><li><p>b</p></li></ol><p>end</p>", "3. a\n4. b\n\nend")]
    [InlineData("<p>x</p><blockquote>q<br>r</blockquote>", "x\n\n> q\n> r")]
    [InlineData("<table><tr><th>Item</th><th>Price</th></tr><tr><td>Tea</td><td>4.00</td></tr></table>", "Item | Price\nTea | 4.00")]
    [InlineData("<table><tr><td><p>A</p></td><td><p>B</p></td></tr></table>", "A\n\nB")]
    [InlineData("<p>a</p><hr><p>b</p>", "a\n\n---\n\nb")]
    [InlineData("<pre>a\n  b</pre>", "a\n  b")]
    [InlineData("a&nbsp;b &amp; &lt;c&gt; &copy;", "a b & <c> ©")]
    [InlineData("<style>p{}</style><script>x</script><title>t</title><p style=\"display: none\">preview</p><p hidden>h</p>seen", "seen")]
    [InlineData("<!-- note --><p>a<!--[if mso]>outlook<![endif]--></p>", "a")]
    [InlineData("<html><head><title>T</title></head><body><p>a</p></body></html>", "a")]
    [InlineData("", "")]
    public void Html_reads_well_as_text(string html, string expected) => Assert.Equal(expected, PlainTextConverter.FromHtml(html));

    [Theory]
    [InlineData("<p>Hi {{contact.first_name}},</p><p>{{{event.block}}}</p>", "Hi Ada,\n\n<b>")]
    [InlineData("{{contact.first_name}} and <b>{{contact.email}}</b>", "Ada and ada@example.test")]
    [InlineData("<a href=\"{{unsubscribe_url}}\">Unsubscribe</a> <a href=\"{{unsubscribe_url}}\">{{unsubscribe_url}}</a>", "Unsubscribe (https://u.test/?a=b&c) https://u.test/?a=b&c")]
    [InlineData("<a href=\"https://a.test/{{url contact.first_name}}?x=1\">Go</a>", "Go (https://a.test/Ada?x=1)")]
    [InlineData("<p>A</p>{{#if contact.first_name}}<p>B</p>{{/if}}<p>C</p>", "A\n\nB\n\nC")]
    [InlineData("<p>A</p>{{#if contact.nothing}}<p>B</p>{{/if}}<p>C</p>", "A\n\nC")]
    [InlineData("<p>Hi {{#if contact.nothing}}x{{else}}there{{/if}}!</p>", "Hi there!")]
    [InlineData("<p>A</p>{{#if contact.nothing}}<p>B</p>{{else}}<p>D</p>{{/if}}<p>C</p>", "A\n\nD\n\nC")]
    [InlineData("<ul>{{#each event.items}}<li>{{name}}</li>{{/each}}</ul><p>end</p>", "- Tea\n- Cup\n\nend")]
    [InlineData("<table><tr><th>Item</th><th>Price</th></tr>{{#each event.items}}<tr><td>{{name}}</td><td>{{currency price \"EUR\"}}</td></tr>{{/each}}</table><p>Total</p>", "Item | Price\nTea | €4.00\nCup | €12.25\n\nTotal")]
    [InlineData("<p {{#if contact.vip}}class=\"gold\"{{/if}}>A</p><style>.x{color:{{event.colour}}}</style>", "A")]
    [InlineData("<img src=\"{{event.image}}\" alt=\"{{event.alt}}\"> &#123;&#123;contact.email}}", "A cup { {contact.email}}")]
    [InlineData("<html><body>{{#if contact.nothing}}<p>A</p>{{/if}}<p>B</p></body></html>", "B")]
    public async Task A_templates_text_is_made_once_and_filled_per_mail(string html, string expected)
    {
        await using var mails = await Mails.CreateAsync();
        var model = new Dictionary<string, object?>(Mails.Model(@event: """{"block":"<b>","alt":"A cup","items":[{"name":"Tea","price":4},{"name":"Cup","price":12.25}]}""")) { ["unsubscribe_url"] = "https://u.test/?a=b&c" };

        Assert.Equal(expected, (await mails.MailAsync(html, model: model)).Text);
    }

    [Fact]
    public async Task Text_of_its_authors_own_is_left_as_it_is()
    {
        await using var mails = await Mails.CreateAsync();

        Assert.Equal("  Hi Ada\n\n\n\n  <you>  ", (await mails.MailAsync("<p>x</p>", text: "  Hi {{contact.first_name}}\n\n\n\n  <you>  ")).Text);
    }

    [Fact]
    public void Html_nested_very_deep_does_not_exhaust_the_stack()
    {
        var html = string.Concat(Enumerable.Repeat("<div>", 5_000)) + "deep";

        Assert.Equal("deep", PlainTextConverter.FromHtml(html));
    }
}
