using MailFlow.Data;
using MailFlow.Engine.Definitions;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Content.Tests;

/// <summary>Layouts and includes.</summary>
public sealed class LayoutTests
{
    [Fact]
    public async Task A_layout_surrounds_html_and_text()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("base", "<html><body><h1>{{sender.name}}</h1>{{{body}}}<p>Bye</p></body></html>", subject: "");
        await mails.PutAsync("mail", "<p>Hi {{contact.first_name}}</p>", layout: "base");

        var mail = await mails.RenderAsync("mail");

        Assert.Equal("<html><body><h1>Acme Ltd</h1><p>Hi Ada</p><p>Bye</p></body></html>", mail.Html);
        Assert.Equal("Acme Ltd\n\nHi Ada\n\nBye", mail.Text);
        Assert.Empty(mail.MissingVariables);
    }

    [Fact]
    public async Task Text_given_by_the_author_stands_in_the_layouts_text()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("base", "<b>{{{body}}}</b>", text: "== {{{body}}} ==");
        await mails.PutAsync("mail", "<p>x</p>", text: "Hi {{contact.first_name}}", layout: "base");

        Assert.Equal("== Hi Ada ==", (await mails.RenderAsync("mail")).Text);
    }

    [Fact]
    public async Task Layouts_stand_in_layouts_up_to_a_depth()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("outer", "[{{{body}}}]");
        await mails.PutAsync("inner", "({{{body}}})", layout: "outer");
        await mails.PutAsync("mail", "x", layout: "inner");

        Assert.Equal("[(x)]", (await mails.RenderAsync("mail")).Html);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => mails.PutAsync("outer", "[{{{body}}}]", layout: "inner"));
        Assert.Equal("layout: 'inner' stands in layouts nested deeper than 4", error.Message);
    }

    [Fact]
    public async Task A_template_includes_others_with_values_of_its_own()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("button", "<a href=\"{{url}}\">{{label}} {{@root.contact.first_name}}</a>");
        await mails.PutAsync("Button", "<u>{{> button label=\"Deep\" url=\"https://d.test\"}}</u>", text: "deep");
        await mails.PutAsync("mail", "{{> button label=\"Shop & go\" url=event.url}}{{#each event.items}}{{> button label=name url=../event.url}}{{/each}}{{> Button}}");

        var mail = await mails.RenderAsync("mail", Mails.Model(@event: """{"url":"javascript:x","items":[{"name":"Tea"}]}"""));

        Assert.Equal("<a href=\"#\">Shop &amp; go Ada</a><a href=\"#\">Tea Ada</a><u><a href=\"https://d.test\">Deep Ada</a></u>", mail.Html);
        Assert.StartsWith("Shop & go Ada (", mail.Text);
        Assert.EndsWith("deep", mail.Text);
    }

    [Fact]
    public async Task A_template_that_includes_itself_ends_at_a_bound()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("tree", "<li>{{name}}{{#each children}}{{> tree}}{{/each}}</li>");
        await mails.PutAsync("loop", "<p></p>");
        await mails.PutAsync("loop", "a{{> loop}}b{{> loop}}");

        var error = await Assert.ThrowsAsync<RenderException>(() => mails.RenderAsync("loop"));

        Assert.Equal("the template cannot be rendered: 'loop' is included in itself: inclusions are nested at most 16 deep", error.Message);
        var tree = new Dictionary<string, object?>(Mails.Model()) { ["name"] = "a", ["children"] = JsonData.Parse("""[{"name":"b","children":[{"name":"c"}]}]""") };
        Assert.Equal("<li>a<li>b<li>c</li></li></li>", (await mails.RenderAsync("tree", tree)).Html);
    }

    [Fact]
    public async Task A_changed_layout_or_include_is_seen_at_once_here_and_soon_by_other_nodes()
    {
        await using var mails = await Mails.CreateAsync();
        await using var node = mails.AnotherNode();
        await mails.PutAsync("base", "1 {{{body}}}");
        await mails.PutAsync("part", "one");
        await mails.PutAsync("mail", "{{> part}}", layout: "base");
        Task<RenderedEmail> There() => node.GetRequiredService<TemplateRenderer>().RenderAsync(Mails.Account, "mail", 1, Mails.Model(), MessageStream.Transactional, null, default);
        Assert.Equal("1 one", (await There()).Html);
        Assert.Equal("1 one", (await mails.RenderAsync("mail")).Html);

        await mails.PutAsync("base", "2 {{{body}}}");
        await mails.PutAsync("part", "two");

        Assert.Equal("2 two", (await mails.RenderAsync("mail")).Html);
        Assert.Equal("1 one", (await There()).Html);
        mails.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("2 two", (await There()).Html);
    }

    [Fact]
    public async Task A_layout_that_lost_its_body_makes_the_mail_fail_with_the_reason()
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("base", "{{{body}}}");
        await mails.PutAsync("mail", "x", layout: "base");
        await mails.PutAsync("base", "no more");

        var error = await Assert.ThrowsAsync<RenderException>(() => mails.RenderAsync("mail"));

        Assert.Equal("the template 'mail' does not compile: layout: 'base' has no {{{body}}} for this template to fill", error.Message);
    }
}
