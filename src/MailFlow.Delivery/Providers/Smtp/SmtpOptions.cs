using System.Net;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>How the connection to a relay is protected.</summary>
public enum SmtpTls
{
    /// <summary>Not at all: for a relay on this machine or a trusted network, without credentials.</summary>
    None,

    /// <summary>Upgraded by STARTTLS (RFC 3207), usually port 587. A relay that does not offer it gets no mail.</summary>
    StartTls,

    /// <summary>From the first octet (RFC 8314), usually port 465.</summary>
    Implicit,
}

/// <summary>One SMTP relay: where it is, how to speak to it and how long to wait for it.</summary>
public sealed record SmtpOptions
{
    /// <summary>Host name or address of the relay; with TLS its certificate must carry this name.</summary>
    public string Host { get; init; } = "";

    /// <summary>1–65535; 587 by default.</summary>
    public int Port { get; init; } = 587;

    /// <summary>For AUTH PLAIN or LOGIN (RFC 4954); null or empty to send without signing in.</summary>
    public string? UserName { get; init; }

    /// <summary>Never shown by <see cref="ToString"/>.</summary>
    public string? Password { get; init; }

    /// <summary>Required as configured: never silently less.</summary>
    public SmtpTls Tls { get; init; } = SmtpTls.StartTls;

    /// <summary>SHA-256 of the relay's certificate in hex, if exactly that one is to be trusted, whoever issued it.</summary>
    public string? TrustedCertificateSha256 { get; init; }

    /// <summary>PEM file of the certificate authorities to trust in place of the system's.</summary>
    public string? TrustedAuthoritiesFile { get; init; }

    /// <summary>What we call ourselves in EHLO: a host name or address literal. By default our address on that connection.</summary>
    public string? HeloName { get; init; }

    /// <summary>Seconds for name look-up, connecting, TLS and greeting together, 1–300.</summary>
    public int ConnectTimeoutSeconds { get; init; } = 30;

    /// <summary>Seconds for each command's reply and for writing the mail, 1–600.</summary>
    public int CommandTimeoutSeconds { get; init; } = 120;

    /// <summary>
    /// Seconds for the reply to the final dot, 1–1800. RFC 5321 §4.5.3.2.6 asks for 600: who waits less makes mails
    /// whose fate is unknown.
    /// </summary>
    public int FinalReplyTimeoutSeconds { get; init; } = 600;

    /// <summary>Connections at one time, 1–100.</summary>
    public int MaxConnections { get; init; } = 4;

    /// <summary>Mails on one connection before it is closed, 1–10000; relays commonly cut at 100.</summary>
    public int MaxMessagesPerConnection { get; init; } = 100;

    /// <summary>Seconds after which a connection without work is closed, 1–300.</summary>
    public int IdleSeconds { get; init; } = 20;

    /// <summary>Whether the relay must be on the public internet: a name that leads into our own network is not dialled. For relays that an account names.</summary>
    public bool OnlyPublicAddresses { get; init; }

    /// <summary>Whether the relay only shows what it takes and passes nothing on, as Mailpit does: what mail to people must have is then said, and stops nothing. For the operator's own relay.</summary>
    public bool IsCatcher { get; init; }

    /// <summary>What is wrong with these options, one sentence a field, the field's name first; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        if (Uri.CheckHostName(Host) == UriHostNameType.Unknown)
            errors.Add($"{nameof(Host)}: \"{Host}\" is not a host name or an IP address.");
        Range(nameof(Port), Port, 65535);
        Range(nameof(ConnectTimeoutSeconds), ConnectTimeoutSeconds, 300);
        Range(nameof(CommandTimeoutSeconds), CommandTimeoutSeconds, 600);
        Range(nameof(FinalReplyTimeoutSeconds), FinalReplyTimeoutSeconds, 1800);
        Range(nameof(MaxConnections), MaxConnections, 100);
        Range(nameof(MaxMessagesPerConnection), MaxMessagesPerConnection, 10_000);
        Range(nameof(IdleSeconds), IdleSeconds, 300);
        if (!Enum.IsDefined(Tls))
            errors.Add($"{nameof(Tls)}: {Tls} is not None, StartTls or Implicit.");

        if (string.IsNullOrEmpty(UserName) != string.IsNullOrEmpty(Password))
            errors.Add($"{(string.IsNullOrEmpty(UserName) ? nameof(UserName) : nameof(Password))}: user name and password go together.");
        else if (!string.IsNullOrEmpty(UserName) && Tls == SmtpTls.None && !IsLoopback(Host))
            errors.Add($"{nameof(Tls)}: credentials are not sent in the clear; use StartTls or Implicit.");
        if (UserName?.Contains('\0') == true)
            errors.Add($"{nameof(UserName)}: a NUL character is not allowed in it.");
        if (Password?.Contains('\0') == true)
            errors.Add($"{nameof(Password)}: a NUL character is not allowed in it.");

        if (TrustedCertificateSha256 is { } hex && Pin(hex) is not { Length: 64 })
            errors.Add($"{nameof(TrustedCertificateSha256)}: it is not 64 hexadecimal digits.");
        if (TrustedAuthoritiesFile is { } file && !File.Exists(file))
            errors.Add($"{nameof(TrustedAuthoritiesFile)}: there is no file \"{file}\".");
        if (HeloName is { } helo && !IsHeloName(helo))
            errors.Add($"{nameof(HeloName)}: \"{helo}\" is neither a host name nor an address literal such as [192.0.2.1].");
        return errors;

        void Range(string field, int value, int highest)
        {
            if (value < 1 || value > highest)
                errors.Add($"{field}: {value} is not between 1 and {highest}.");
        }
    }

    /// <summary>Where and as whom; the password is left out.</summary>
    public override string ToString() =>
        $"smtp://{(string.IsNullOrEmpty(UserName) ? "" : UserName + "@")}{Host}:{Port} ({Tls})";

    /// <summary>The thumbprint's digits without the separators that tools print, or null when it is not hexadecimal.</summary>
    internal static string? Pin(string hex)
    {
        var digits = hex.Replace(":", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
        return digits.All(char.IsAsciiHexDigit) ? digits : null;
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static bool IsHeloName(string helo) => helo.StartsWith('[')
        ? helo.EndsWith(']') && IPAddress.TryParse(helo[1..^1].Replace("IPv6:", "", StringComparison.OrdinalIgnoreCase), out _)
        : Uri.CheckHostName(helo) == UriHostNameType.Dns && helo.All(char.IsAscii);
}
