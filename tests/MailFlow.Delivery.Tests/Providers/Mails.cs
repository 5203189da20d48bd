using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>Mails as the sender makes them.</summary>
internal static class Mails
{
    public static OutgoingEmail Marketing(int number = 1, string to = "ada@example.org")
    {
        var id = new Guid(number, 0x7000, 0x7000, 1, 2, 3, 4, 5, 6, 7, 8);
        var link = $"https://mail.example.com/unsubscribe/{number:x8}abcdef";
        return new OutgoingEmail
        {
            MessageId = id,
            AccountId = 1,
            Attempt = 1,
            At = new DateTimeOffset(2026, 1, 5, 9, 0, 0, TimeSpan.Zero),
            From = new Mailbox(EmailAddress.Parse("news@shop.example"), "Bücher \"Shop\", Ltd."),
            ReplyTo = new Mailbox(EmailAddress.Parse("help@shop.example")),
            To = EmailAddress.Parse(to),
            Subject = $"Grüße no. {number}",
            Html = $"<p>Hello</p><p><a href=\"{link}\">Unsubscribe</a></p>",
            Text = $"Hello\n\nUnsubscribe: {link}\n",
            Headers =
            [
                ("Message-ID", $"<{id:n}@shop.example>"), ("X-MailFlow-Message", id.ToString()), ("List-Unsubscribe", $"<{link}>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"), ("Feedback-ID", "welcome-series:welcome:marketing:mf-00001"),
            ],
            Links = [link],
            Stream = MessageStream.Marketing,
            Template = "welcome",
            UserId = "u-4711-private",
            Journey = "welcome-series",
        };
    }

    public static OutgoingEmail Transactional(int number = 1, string to = "ada@example.org") => Marketing(number, to) with
    {
        Stream = MessageStream.Transactional,
        Html = "<p>Your receipt</p>",
        Text = "Your receipt\n",
        Headers = [.. Marketing(number, to).Headers.Take(2)],
    };
}
