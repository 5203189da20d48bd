using MailFlow.Delivery.Providers.Smtp;

namespace MailFlow.Delivery.Tests.Smtp;

public class SmtpOptionsTests
{
    private static readonly SmtpOptions Good = new() { Host = "smtp.example.org", UserName = "mailflow", Password = "s3cret-word" };

    [Fact]
    public void The_defaults_with_a_host_are_good() => Assert.Empty(Good.Validate());

    [Fact]
    public void The_password_is_never_shown()
    {
        Assert.DoesNotContain("s3cret-word", $"{Good}", StringComparison.Ordinal);
        Assert.Contains("smtp.example.org:587", $"{Good}", StringComparison.Ordinal);
    }

    [Fact]
    public void Each_wrong_field_is_named()
    {
        Expect("Host", Good with { Host = "" });
        Expect("Host", Good with { Host = "no blanks.example" });
        Expect("Port", Good with { Port = 0 });
        Expect("Port", Good with { Port = 65536 });
        Expect("Password", Good with { Password = null });
        Expect("UserName", Good with { UserName = null });
        Expect("Password", Good with { Password = "a\0b" });
        Expect("Tls", Good with { Tls = SmtpTls.None });
        Expect("Tls", Good with { Tls = (SmtpTls)7 });
        Expect("TrustedCertificateSha256", Good with { TrustedCertificateSha256 = "12:34" });
        Expect("TrustedAuthoritiesFile", Good with { TrustedAuthoritiesFile = "/no/such/file.pem" });
        Expect("HeloName", Good with { HeloName = "mail\r\nRSET" });
        Expect("ConnectTimeoutSeconds", Good with { ConnectTimeoutSeconds = 0 });
        Expect("CommandTimeoutSeconds", Good with { CommandTimeoutSeconds = 601 });
        Expect("FinalReplyTimeoutSeconds", Good with { FinalReplyTimeoutSeconds = 1801 });
        Expect("MaxConnections", Good with { MaxConnections = 101 });
        Expect("MaxMessagesPerConnection", Good with { MaxMessagesPerConnection = 0 });
        Expect("IdleSeconds", Good with { IdleSeconds = -1 });

        static void Expect(string field, SmtpOptions options)
        {
            Assert.StartsWith(field + ": ", Assert.Single(options.Validate()), StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => new SmtpClient(options, TimeProvider.System));
        }
    }

    [Fact]
    public void Credentials_in_the_clear_are_for_this_machine_only()
    {
        Assert.Empty((Good with { Host = "127.0.0.1", Tls = SmtpTls.None }).Validate());
        Assert.Empty((Good with { Host = "localhost", Tls = SmtpTls.None }).Validate());
        Assert.NotEmpty((Good with { Host = "10.0.0.1", Tls = SmtpTls.None }).Validate());
    }
}
