using AngleSharp.Html.Parser;
using MailFlow.Delivery.Tracking;

namespace MailFlow.Delivery.Tests.Tracking;

/// <summary>The links that are found are those that a parser of the standard finds.</summary>
public sealed class HtmlLinksTests
{
    [Theory]
    [InlineData("<p><a href=\"https://a.example/?x=1&amp;y=2\">A</a> <A HREF='https://b.example'>B</A> <a href=https://c.example>C</a></p>")]
    [InlineData("<a\n class=x\n href = \"https://a.example\" href=\"https://second.example\">A</a><a>none</a><a href>empty</a><a href=''>empty</a>")]
    [InlineData("<!-- <a href=\"https://no.example\"> --><!--[if mso]><a href='https://outlook.example'>x</a><![endif]--><a href=https://yes.example>")]
    [InlineData("<!--><a href=https://a.example>A</a>--><!---><a href=https://b.example><!-- --!><a href=https://c.example>")]
    [InlineData("<style>a::after{content:'<a href=https://no.example>'}</style><title><a href=https://no.example></title><textarea><a href=https://no.example></textarea ><a href=https://yes.example>")]
    [InlineData("<script>var s='<a href=\"https://no.example\">';</script><a href=https://yes.example><script></script")]
    [InlineData("<img alt=\"<a href='https://no.example'>\"><a title='>' href=\"https://yes.example\"/>")]
    [InlineData("<a href=\"https://cut.example")]
    [InlineData("<a href=https://a.example/x/ target=_blank>A</a></a href=https://end.example><3 <a href=https://b.example>")]
    [InlineData("<!doctype html><html><head><link href=https://no.example><base href=https://no.example></head><body><area href=https://map.example></body></html>")]
    [InlineData("<a href=' https://a.example '>A</a><a ='x' href=https://b.example><a/href=https://c.example>")]
    [InlineData("<? a href ?><a href=https://a.example></ a href=https://no.example><b<a href=https://no.example>")]
    public void They_are_those_of_a_real_parser(string html) => Assert.Equal(OfParser(html), Found(html));

    // Seen red with attributes in end tags read as links, and with comments ended by '>' alone.
    [Fact]
    public void They_are_those_of_a_real_parser_in_random_tangles_too()
    {
        string[] parts =
        [
            "<a href=\"https://u.example/1\">", "<a href='https://u.example/2' class=x>", "<a href=https://u.example/3>", "</a>", "<p>", "</p>", "text", "<!--", "-->", "<b title=\">\">", "\"", "'", ">", " ",
            "<img src=x>", "=", "/", "<a ", "href=https://u.example/4 ", "<!x>", "&amp;", "<br/>", "</", "<",
        ];
        var random = new Random(20260105);
        for (var run = 0; run < 5_000; run++)
        {
            var html = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => parts[random.Next(parts.Length)]));
            Assert.True(OfParser(html).SequenceEqual(Found(html)), html);
        }
    }

    [Fact]
    public void The_body_ends_where_its_last_end_tag_begins()
    {
        Assert.Equal(9, HtmlLinks.Find("<body>abc</BODY ></html>").BodyEnd);
        Assert.Equal(3, HtmlLinks.Find("abc</html>").BodyEnd);
        Assert.Equal(3, HtmlLinks.Find("abc").BodyEnd);
        Assert.Equal(21, HtmlLinks.Find("<!--</body>--><p></p></body>").BodyEnd);
    }

    private static List<string> Found(string html) => [.. HtmlLinks.Find(html).Links.Select(link => link.Url).Distinct().Order()];

    /// <summary>A link in a link is closed and opened again by a parser: each address counts once.</summary>
    private static List<string> OfParser(string html) =>
        [.. new HtmlParser(new HtmlParserOptions { IsScripting = false }).ParseDocument(html).QuerySelectorAll("a[href],area[href]").Select(link => link.GetAttribute("href")!).Distinct().Order()];
}
