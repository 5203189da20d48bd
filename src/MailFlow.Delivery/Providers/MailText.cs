using MailFlow.Delivery.Providers.Smtp;

namespace MailFlow.Delivery.Providers;

/// <summary>What every provider asks of a mail's texts before it writes them into a request.</summary>
internal static class MailText
{
    /// <summary>The name under which our send key travels and comes back. It is no personal data, and nothing else of ours travels beside it.</summary>
    public const string KeyName = "mf_msg";

    /// <summary>
    /// Why the mail cannot be written, or null. What would end a header and begin another is refused here, before any API sees it: not each of them refuses it.
    /// </summary>
    public static HandOver.Rejected? WhyNot(OutgoingEmail email)
    {
        try
        {
            HeaderText.RefuseLineBreaks("Subject", email.Subject);
            HeaderText.RefuseLineBreaks("From", email.From.DisplayName ?? "");
            HeaderText.RefuseLineBreaks("Reply-To", email.ReplyTo?.DisplayName ?? "");
            foreach (var (name, value) in email.Headers)
            {
                if (name.Length == 0 || name.Any(c => c is <= ' ' or > '~' or ':'))
                    throw new MimeHeaderException("of a further header", "the name may hold only visible ASCII characters and no colon");
                HeaderText.RefuseLineBreaks(name, value);
            }
            return null;
        }
        catch (MimeHeaderException error)
        {
            return new HandOver.Rejected($"the mail cannot be written: {error.Message}");
        }
    }

    /// <summary>A mailbox as RFC 5322 writes it, Unicode left as it is: for APIs that encode it themselves.</summary>
    public static string Mailbox(Mailbox mailbox) => string.IsNullOrWhiteSpace(mailbox.DisplayName)
        ? mailbox.Address.ToString()
        : $"\"{mailbox.DisplayName.Trim().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\" <{mailbox.Address}>";

    /// <summary>What a mail is counted under at the provider: its template and its journey, where ASCII writes them. Never anything of the contact's.</summary>
    public static IEnumerable<string> Tags(OutgoingEmail email, int longest) =>
        new[] { email.Template, email.Journey }.OfType<string>().Where(tag => tag.Length > 0 && tag.Length <= longest && tag.All(c => c is > ' ' and <= '~')).Distinct();
}
