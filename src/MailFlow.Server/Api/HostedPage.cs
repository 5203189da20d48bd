using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using MailFlow.Delivery;

namespace MailFlow.Server.Api;

/// <summary>Says that a signed link, and no cookie, is what lets a request in: whether the browser is signed in besides makes no difference.</summary>
internal sealed record SignedLink;

/// <summary>A page that a recipient sees behind a link in a mail: plain HTML, no script, nothing from elsewhere, nothing kept.</summary>
internal static class HostedPage
{
    private const int MostFormBytes = 32 * 1024;

    private const string Style = """
        body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;background:#f4f5f7;color:#1f2430;font:16px/1.5 system-ui,sans-serif}
        main{max-width:30rem;margin:1rem;padding:2rem;border-radius:.75rem;background:#fff;box-shadow:0 1px 4px #0002}
        h1{margin:0 0 .5rem;font-size:1.35rem}h2{margin:2rem 0 .5rem;font-size:1.05rem}p{margin:.5rem 0 1.25rem;overflow-wrap:anywhere}
        form+form{margin-top:2rem}fieldset{margin:0 0 1rem;padding:0;border:0}legend{margin:1rem 0 .5rem;padding:0;font-weight:600}
        label{display:flex;gap:.75rem;padding:.6rem 0;overflow-wrap:anywhere}label input{flex:none;width:1.25rem;height:1.25rem;margin:.15rem 0 0}
        small{display:block;color:#5a6274;font-size:.9rem}
        button{width:100%;margin:.25rem 0;padding:.75rem;border:1px solid #1f2430;border-radius:.5rem;background:#1f2430;color:#fff;font:inherit;cursor:pointer}
        button.plain{background:none;color:inherit}.row{display:flex;gap:.5rem}
        button:focus-visible,input:focus-visible{outline:3px solid #6b8afd;outline-offset:2px}
        .done{padding:.75rem 1rem;border-radius:.5rem;background:#e7f5ec;color:#14532d}
        @media(prefers-color-scheme:dark){body{background:#14161c;color:#eceef3}main{background:#1f2430}button{background:#eceef3;border-color:#eceef3;color:#14161c}
        button.plain{background:none;color:inherit}small{color:#aab2c4}.done{background:#14532d;color:#e7f5ec}}
        """;

    private static readonly string Policy = $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>Maps a page: GET looks, POST acts, and the link is all that is asked for.</summary>
    public static void Map(IEndpointRouteBuilder app, string path, string tag, Delegate show, Delegate act)
    {
        var group = app.MapGroup(path).AllowAnonymous().WithTags(tag).ExcludeFromDescription().WithMetadata(new SignedLink());
        group.MapGet("/{token}", show);
        group.MapPost("/{token}", act);
    }

    /// <summary>Writes a page.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="title">Its title and heading, as text.</param>
    /// <param name="text">What it says first, as text.</param>
    /// <param name="html">What follows, as HTML: whatever came from anywhere is put through <see cref="Encode"/>.</param>
    public static Task WriteAsync(HttpContext context, int status, string title, string text, string html = "")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy = Policy;
        context.Response.Headers["X-Robots-Tag"] = "noindex";
        return context.Response.WriteAsync($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <title>{Encode(title)}</title><style>{Style}</style></head>
            <body><main><h1>{Encode(title)}</h1><p>{Encode(text)}</p>{html}</main></body></html>
            """, context.RequestAborted);
    }

    /// <summary>What is answered to a token that is not ours, whatever is wrong with it.</summary>
    public static Task RefuseAsync(HttpContext context) =>
        WriteAsync(context, 404, "This link is not valid", "It may have been cut off: copy the whole link from the mail.");

    /// <summary>A form with one button, which posts to the page's own address.</summary>
    public static string Button(string text, bool plain = false, string? name = null, string? value = null) =>
        $"""<button type="submit"{(plain ? " class=\"plain\"" : "")}{(name is null ? "" : $" name=\"{name}\" value=\"{Encode(value ?? "")}\"")}>{Encode(text)}</button>""";

    public static string Encode(string text) => HtmlEncoder.Default.Encode(text);

    /// <summary>Who follows the link.</summary>
    public static Visitor VisitorOf(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;
        return new Visitor(address?.ToString(), context.Request.Headers.UserAgent is [{ Length: > 0 } agent, ..] ? agent : null);
    }

    /// <summary>The first bytes of what was posted, as text: no form that we make has more.</summary>
    public static async Task<string> BodyAsync(HttpContext context)
    {
        var buffer = new byte[MostFormBytes];
        var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    /// <summary>The fields of a posted form, by name; none of what is no form.</summary>
    public static async Task<ILookup<string, string>> FormAsync(HttpContext context)
    {
        var text = context.Request.HasFormContentType ? await BodyAsync(context) : "";
        return text.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .ToLookup(pair => WebUtility.UrlDecode(pair[0]), pair => pair.Length > 1 ? WebUtility.UrlDecode(pair[1]) : "");
    }
}
