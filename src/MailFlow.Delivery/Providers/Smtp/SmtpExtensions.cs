using System.Globalization;
using System.Text;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>What a relay offers in its answer to EHLO, and what that means for one mail.</summary>
internal sealed record SmtpExtensions
{
    public static readonly SmtpExtensions None = new();

    public bool StartTls { get; private init; }

    public bool Pipelining { get; private init; }

    public bool EightBit { get; private init; }

    public bool Utf8 { get; private init; }

    public bool Sizes { get; private init; }

    /// <summary>Octets; 0 where no limit was declared (RFC 1870 §4).</summary>
    public long LargestMail { get; private init; }

    public IReadOnlySet<string> Mechanisms { get; private init; } = new HashSet<string>();

    public static SmtpExtensions Parse(IEnumerable<string> lines)
    {
        var found = None;
        foreach (var line in lines)
        {
            // "AUTH=" is how servers of old wrote it, for clients of old.
            var words = line.Replace("AUTH=", "AUTH ", StringComparison.OrdinalIgnoreCase).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            found = (words.Length == 0 ? "" : words[0].ToUpperInvariant()) switch
            {
                "STARTTLS" => found with { StartTls = true },
                "PIPELINING" => found with { Pipelining = true },
                "8BITMIME" => found with { EightBit = true },
                "SMTPUTF8" => found with { Utf8 = true },
                "SIZE" => found with { Sizes = true, LargestMail = words.Length > 1 && long.TryParse(words[1], NumberStyles.None, null, out var size) ? size : 0 },
                "AUTH" => found with { Mechanisms = found.Mechanisms.Concat(words.Skip(1).Select(word => word.ToUpperInvariant())).ToHashSet() },
                _ => found,
            };
        }

        return found;
    }

    /// <summary>The refusal that the server would give this mail, where what it offers tells beforehand; otherwise null.</summary>
    public SmtpResult.Rejected? WhyNot(SmtpEnvelope envelope, ReadOnlySpan<byte> mail)
    {
        if (LargestMail > 0 && mail.Length > LargestMail)
            return new(SmtpStage.MailFrom, 552, "5.3.4", $"not sent: the mail has {mail.Length} octets, the server takes {LargestMail}");
        if (!Utf8 && NeedsUtf8(envelope, mail))
            return new(SmtpStage.MailFrom, 553, "5.6.7", "not sent: an address is not ASCII and the server does not offer SMTPUTF8");
        if (!EightBit && !Ascii.IsValid(mail))
            return new(SmtpStage.MailFrom, 554, "5.6.3", "not sent: the mail holds 8-bit octets and the server does not offer 8BITMIME");
        return null;
    }

    public string MailParameters(SmtpEnvelope envelope, ReadOnlySpan<byte> mail)
    {
        var parameters = new StringBuilder();
        if (Sizes)
            parameters.Append(" SIZE=").Append(mail.Length);
        if (EightBit && !Ascii.IsValid(mail))
            parameters.Append(" BODY=8BITMIME");
        if (Utf8 && NeedsUtf8(envelope, mail))
            parameters.Append(" SMTPUTF8");
        return parameters.ToString();
    }

    private static bool NeedsUtf8(SmtpEnvelope envelope, ReadOnlySpan<byte> mail) =>
        envelope.To.NeedsSmtpUtf8 || envelope.From is { NeedsSmtpUtf8: true } || MailData.HasUtf8Headers(mail);
}
