using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>The pages behind the links in mails, as recipients, mail programs and attackers meet them.</summary>
public sealed class HostedPageTests
{
    private const string Evil = "<script>alert(1)</script>\"'&";

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n")]
    public async Task A_mail_programs_one_click_acts_whatever_cookie_comes_along_and_is_neither_redirected_nor_remembered(string type, string body)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var mail = await MailAsync(server);
        var link = new Uri(mail.GetProperty("headers").GetProperty("List-Unsubscribe").GetString()!.Trim('<', '>')).PathAndQuery;
        // A browser that is signed in to the console, and another site's page that makes it post.
        var browser = await server.SignedInAsync("admin@localhost", server.AdminPassword);
        browser.DefaultRequestHeaders.Remove("Sec-Fetch-Site");
        browser.DefaultRequestHeaders.Add("Sec-Fetch-Site", "cross-site");
        browser.DefaultRequestHeaders.UserAgent.ParseAdd("Mail/1.0");

        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(link)).StatusCode);
        await (await server.Admin.GetAsync("/api/v1/suppressions/ada@example.org")).ProblemAsync(404);
        for (var i = 0; i < 2; i++)
        {
            var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            var answer = await browser.PostAsync(link, content);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode); // a redirect would have been 3xx: this client's handler does not hide one from a POST's address
            Assert.Equal(link, answer.RequestMessage!.RequestUri!.PathAndQuery);
            Assert.False(answer.Headers.Contains("Set-Cookie"));
            Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
        }

        var suppression = (await (await server.Admin.GetAsync("/api/v1/suppressions/ada@example.org")).JsonAsync()).GetProperty("items")[0];
        Assert.Equal(("one_click", "unsubscribed", "marketing"), (suppression.GetProperty("source").GetString(), suppression.GetProperty("reason").GetString(), suppression.GetProperty("scope").GetString()));
        Assert.Contains(mail.GetProperty("id").GetString()!, suppression.GetProperty("detail").GetString());
        Assert.Contains("Mail/1.0", suppression.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Names_from_outside_are_text_on_the_pages_and_nothing_of_them_runs()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = Evil, email = "shop@example.org", postal_address = "1 High Street" });
        await server.Admin.PutAsJsonAsync("/api/v1/purposes/news", new { name = Evil, description = Evil });
        var html = (await MailAsync(server)).GetProperty("html").GetString()!;
        var visitor = server.ClientWith(key: null);

        foreach (var page in new[] { "/unsubscribe/", "/preferences/" })
        {
            var answer = await visitor.GetAsync(LinkIn(html, page));
            var text = await answer.Content.ReadAsStringAsync();
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.DoesNotContain("<script", text, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;", text);
            var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
            Assert.StartsWith("default-src 'none'; style-src 'sha256-", policy);
            Assert.Contains("form-action 'self'; base-uri 'none'; frame-ancestors 'none'", policy);
            Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        }
        await (await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = "Shop\r\nBcc: victim@example.org", email = "shop@example.org" })).ProblemAsync(400);
        await (await server.Admin.PutAsJsonAsync("/api/v1/purposes/news", new { name = "News\r\nX: y" })).ProblemAsync(400);
    }

    [Fact]
    public async Task A_recipient_chooses_topics_pauses_and_leaves()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.Admin.PutAsJsonAsync("/api/v1/purposes/news", new { name = "News", description = "Once a month." });
        await server.Admin.PutAsJsonAsync("/api/v1/purposes/offers", new { name = "Offers" });
        var link = LinkIn((await MailAsync(server)).GetProperty("html").GetString()!, "/preferences/");
        var visitor = server.ClientWith(key: null);
        Assert.Empty((await ContactAsync()).GetProperty("consents").EnumerateObject());

        Assert.Contains("name=\"topic\" value=\"news\" checked", await PostAsync(("action", "save"), ("topic", "news"), ("topic", "hidden")));
        Assert.Equal("""{"news":true}""", (await ContactAsync()).GetProperty("consents").GetRawText());
        Assert.Contains("Paused until", await PostAsync(("action", "pause-30")));
        Assert.Equal("paused", (await ContactAsync()).GetProperty("suppressions")[0].GetProperty("reason").GetString());
        await PostAsync(("action", "pause-100000"));
        Assert.DoesNotContain("Paused until", await PostAsync(("action", "resume")));
        Assert.Contains("unsubscribed from everything", await PostAsync(("action", "unsubscribe")));
        Assert.Equal("""{"marketing":false,"news":false}""", (await ContactAsync()).GetProperty("consents").GetRawText());

        async Task<string> PostAsync(params (string Name, string Value)[] fields)
        {
            var answer = await visitor.PostAsync(link, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return await answer.Content.ReadAsStringAsync();
        }

        async Task<System.Text.Json.JsonElement> ContactAsync() => await (await server.Admin.GetAsync("/api/v1/contacts/u1")).JsonAsync();
    }

    [Theory]
    [InlineData("/unsubscribe/")]
    [InlineData("/preferences/")]
    [InlineData("/confirm/")]
    public async Task A_guessed_cut_or_foreign_token_is_refused_and_says_nothing(string page)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var html = (await MailAsync(server)).GetProperty("html").GetString()!;
        var visitor = server.ClientWith(key: null);
        // The token of another page among them.
        var foreign = LinkIn(html, page == "/preferences/" ? "/unsubscribe/" : "/preferences/").Split('/')[^1];

        foreach (var token in new[] { "x", new string('A', 200), foreign, foreign[..^1], "..%2F.." })
        {
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
            {
                var answer = await visitor.SendAsync(new HttpRequestMessage(method, page + token) { Content = method == HttpMethod.Post ? new FormUrlEncodedContent([new("action", "unsubscribe")]) : null });
                Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{method} {page}{token}: {answer.StatusCode}");
                Assert.DoesNotContain("example.org", await answer.Content.ReadAsStringAsync());
            }
        }
        Assert.Empty((await (await server.Admin.GetAsync("/api/v1/suppressions")).JsonAsync()).GetProperty("items").EnumerateArray());
    }

    private static async Task<System.Text.Json.JsonElement> MailAsync(ServerUnderTest server)
    {
        await JourneyApiTests.PublishGreetingAsync(server);
        await server.Admin.PutAsJsonAsync("/api/v1/templates/hello", new { subject = "Hello", html = "<p><a href=\"{{preferences_url}}\">Choose</a> <a href=\"{{unsubscribe_url}}\">Leave</a></p>" });
        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"joined","user_id":"u1","payload":{"contact":{"email":"ada@example.org"}}}"""));
        return (await server.EventuallyAsync("/api/v1/sandbox/messages?to=ada@example.org", page => page.GetProperty("items").GetArrayLength() == 1)).GetProperty("items")[0];
    }

    private static string LinkIn(string html, string page)
    {
        var from = html.IndexOf(page, StringComparison.Ordinal);
        Assert.True(from > 0, html);
        return html[from..html.IndexOf('"', from)];
    }
}
