using MailFlow.Engine.Definitions;

namespace MailFlow.Content.Tests;

/// <summary>Marketing mail carries the sender's postal address and a way to unsubscribe, whatever its author wrote.</summary>
public sealed class MarketingFooterTests
{
    private const string Complete = "<p>{{sender.postal_address}} <a href=\"{{unsubscribe_url}}\">Stop</a></p>";

    [Fact]
    public async Task What_is_missing_is_appended_before_the_body_ends()
    {
        await using var mails = await Mails.CreateAsync();

        var mail = await mails.MailAsync("<html><body><p>Hi</p></BODY></html>", stream: MessageStream.Marketing);

        Assert.StartsWith("<html><body><p>Hi</p><div style=", mail.Html);
        Assert.Contains($"Acme Ltd &middot; {Mails.Address}<br>", mail.Html);
        Assert.Contains($"<a href=\"{Mails.Url}\"", mail.Html);
        Assert.EndsWith("</div>\n</BODY></html>", mail.Html.ReplaceLineEndings("\n"));
        Assert.Equal($"Hi\n\n-- \nAcme Ltd\n{Mails.Address}\nUnsubscribe: {Mails.Url}", mail.Text);
    }

    [Fact]
    public async Task A_template_that_has_both_is_left_as_it_is()
    {
        await using var mails = await Mails.CreateAsync();

        var mail = await mails.MailAsync(Complete, stream: MessageStream.Marketing);

        Assert.Equal($"<p>{Mails.Address} <a href=\"{Mails.Url}\">Stop</a></p>", mail.Html);
        Assert.Equal($"{Mails.Address} Stop ({Mails.Url})", mail.Text);
    }

    [Fact]
    public async Task Only_the_part_that_is_missing_is_appended()
    {
        await using var mails = await Mails.CreateAsync();

        var linked = await mails.MailAsync("<a href=\"{{unsubscribe_url}}\">Stop</a>", stream: MessageStream.Marketing);
        var addressed = await mails.MailAsync("<p>{{sender.postal_address}}</p>", stream: MessageStream.Marketing);

        Assert.DoesNotContain(">Unsubscribe</a>", linked.Html);
        Assert.Contains(Mails.Address, linked.Html);
        Assert.Contains(">Unsubscribe</a>", addressed.Html);
        Assert.Equal(1, addressed.Html.Split(Mails.Address).Length - 1);
    }

    [Theory]
    [InlineData("<!-- " + Complete + " --><p>x</p>")]
    [InlineData("{{#if contact.nothing}}" + Complete + "{{/if}}")]
    public async Task A_footer_that_nobody_would_see_does_not_count(string html)
    {
        await using var mails = await Mails.CreateAsync();

        var mail = await mails.MailAsync(html, stream: MessageStream.Marketing);

        Assert.Contains(">Unsubscribe</a>", mail.Html);
        Assert.Contains("Acme Ltd &middot; ", mail.Html);
    }

    [Fact]
    public async Task Address_and_link_are_escaped_and_lines_of_an_address_kept_apart()
    {
        await using var mails = await Mails.CreateAsync();
        var model = new Dictionary<string, object?>(Mails.Model(sender: """{"name":"<Acme>","postal_address":"Smith & Sons\n1 Main Street"}""")) { ["unsubscribe_url"] = "https://m.test/u?a=1&b=\"2" };

        var mail = await mails.MailAsync("<p>Hi</p>", model: model, stream: MessageStream.Marketing);

        Assert.Contains("&lt;Acme&gt; &middot; Smith &amp; Sons &middot; 1 Main Street", mail.Html);
        Assert.Contains("href=\"https://m.test/u?a=1&amp;b=&quot;2\"", mail.Html);
        Assert.Contains("<Acme>\nSmith & Sons\n1 Main Street\n", mail.Text);
    }

    [Theory]
    [InlineData("""{"name":"Acme"}""", true, "sender.postal_address is not set")]
    [InlineData("""{"name":"Acme","postal_address":"  "}""", true, "sender.postal_address is not set")]
    [InlineData(null, false, "unsubscribe_url is not set")]
    public async Task Without_an_address_or_a_link_marketing_mail_is_refused_and_transactional_mail_is_not(string? sender, bool unsubscribe, string expected)
    {
        await using var mails = await Mails.CreateAsync();
        await mails.PutAsync("mail", "<p>Hi</p>");
        var model = Mails.Model(sender: sender, unsubscribe: unsubscribe);

        var error = await Assert.ThrowsAsync<RenderException>(() => mails.RenderAsync("mail", model, MessageStream.Marketing));

        Assert.StartsWith(expected, error.Message);
        Assert.Equal("<p>Hi</p>", (await mails.RenderAsync("mail", model)).Html);
    }
}
