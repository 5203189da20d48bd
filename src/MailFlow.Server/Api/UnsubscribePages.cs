using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using MailFlow.Delivery;

namespace MailFlow.Server.Api;

/// <summary>
/// What a recipient sees behind the link in a mail. GET shows a page and does nothing, because mail scanners follow links;
/// POST acts, from the page's button or from the mail program (RFC 8058), which has no cookie and reads no page.
/// </summary>
internal static class UnsubscribePages
{
    private const string Style = """
        body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;background:#f4f5f7;color:#1f2430;font:16px/1.5 system-ui,sans-serif}
        main{max-width:26rem;margin:1rem;padding:2rem;border-radius:.75rem;background:#fff;box-shadow:0 1px 4px #0002}
        h1{margin:0 0 .5rem;font-size:1.35rem}p{margin:.5rem 0 1.25rem;overflow-wrap:anywhere}
        button{width:100%;padding:.75rem;border:0;border-radius:.5rem;background:#1f2430;color:#fff;font:inherit;cursor:pointer}
        button:focus-visible{outline:3px solid #6b8afd;outline-offset:2px}
        @media(prefers-color-scheme:dark){body{background:#14161c;color:#eceef3}main{background:#1f2430}button{background:#eceef3;color:#14161c}}
        """;

    private static readonly string Policy = $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static void MapUnsubscribe(this IEndpointRouteBuilder app)
    {
        var group = app.MapGroup(Unsubscribe.Path).AllowAnonymous().WithTags("Unsubscribe").ExcludeFromDescription();
        group.MapGet("/{token}", ShowAsync);
        group.MapPost("/{token}", ActAsync);
    }

    private static async Task ShowAsync(string token, HttpContext context, Unsubscribe unsubscribe, CancellationToken ct)
    {
        var page = await unsubscribe.ReadAsync(token, ct);
        await (page switch
        {
            null => RefuseAsync(context),
            { Unsubscribed: true } => WriteAsync(context, 200, "You are unsubscribed", $"{page.SenderName} sends no more marketing mail to {page.Email}.", null),
            _ => WriteAsync(context, 200, "Unsubscribe?", $"{page.SenderName} will send no more marketing mail to {page.Email}.", "Unsubscribe"),
        });
    }

    private static async Task ActAsync(string token, HttpContext context, Unsubscribe unsubscribe, CancellationToken ct)
    {
        if (await unsubscribe.ActAsync(token, ct)) await WriteAsync(context, 200, "You are unsubscribed", "You will get no more marketing mail at this address.", null);
        else await RefuseAsync(context);
    }

    private static Task RefuseAsync(HttpContext context) =>
        WriteAsync(context, 404, "This link is not valid", "It may have been cut off: copy the whole link from the mail.", null);

    private static Task WriteAsync(HttpContext context, int status, string title, string text, string? button)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy = Policy;
        context.Response.Headers["X-Robots-Tag"] = "noindex";
        var form = button is null ? "" : $"""<form method="post"><button type="submit">{Encode(button)}</button></form>""";
        return context.Response.WriteAsync($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <title>{Encode(title)}</title><style>{Style}</style></head>
            <body><main><h1>{Encode(title)}</h1><p>{Encode(text)}</p>{form}</main></body></html>
            """, context.RequestAborted);
    }

    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);
}
