using MailFlow.Delivery;

namespace MailFlow.Server.Api;

/// <summary>
/// What a recipient sees behind the link in a mail. GET shows a page and does nothing, because mail scanners follow links;
/// POST acts, from the page's button or from the mail program (RFC 8058), which has no cookie and reads no page.
/// </summary>
internal static class UnsubscribePages
{
    public static void MapUnsubscribe(this IEndpointRouteBuilder app) => HostedPage.Map(app, Unsubscribe.Path, "Unsubscribe", ShowAsync, ActAsync);

    private static async Task ShowAsync(string token, HttpContext context, Unsubscribe unsubscribe, CancellationToken ct)
    {
        var page = await unsubscribe.ReadAsync(token, ct);
        await (page switch
        {
            null => HostedPage.RefuseAsync(context),
            { Unsubscribed: true } => HostedPage.WriteAsync(context, 200, "You are unsubscribed", $"{page.SenderName} sends no more marketing mail to {page.Email}."),
            _ => HostedPage.WriteAsync(context, 200, "Unsubscribe?", $"{page.SenderName} will send no more marketing mail to {page.Email}.",
                $"""<form method="post">{HostedPage.Button("Unsubscribe")}</form>"""),
        });
    }

    /// <summary>Whatever the body is, it acts: the address alone says who wants what. The body tells only who asked, a program (urlencoded or multipart) or the page's button.</summary>
    private static async Task ActAsync(string token, HttpContext context, Unsubscribe unsubscribe, CancellationToken ct)
    {
        var oneClick = (await HostedPage.BodyAsync(context)).Contains("One-Click", StringComparison.OrdinalIgnoreCase);
        if (await unsubscribe.ActAsync(token, ct, HostedPage.VisitorOf(context), oneClick))
            await HostedPage.WriteAsync(context, 200, "You are unsubscribed", "You will get no more marketing mail at this address.");
        else await HostedPage.RefuseAsync(context);
    }
}
