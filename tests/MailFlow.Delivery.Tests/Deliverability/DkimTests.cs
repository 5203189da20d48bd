using System.Text;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dkim;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Deliverability;

public sealed partial class DkimTests
{
    private static readonly DkimKey Key = DkimKey.Generate();
    private static readonly DateTimeOffset At = new(2026, 1, 5, 9, 0, 0, TimeSpan.Zero);

    private const string Mail =
        "Message-ID: <1@shop.test>\r\nDate: Mon, 05 Jan 2026 09:00:00 +0000\r\nFrom: Shop <hello@shop.test>\r\nTo: ann@example.org\r\nSubject: Hello  there\r\n  again\r\n" +
        "List-Unsubscribe: <https://mail.shop.test/u/1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: welcome:mail:marketing:mf-00001\r\n" +
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHello =C3=A4 \t there\r\n\r\nBye \r\n\r\n\r\n";

    // RFC 6376 §3.4.5, by its own example.
    [Fact]
    public void The_relaxed_forms_are_those_of_the_rfcs_example()
    {
        var headers = DkimCanonical.Headers("A: X\r\nB : Y\t\r\n\tZ  \r\n"u8);
        Assert.Equal(["a:X", "b:Y Z"], headers.Select(header => DkimCanonical.Relaxed(header.Name, header.Value)));
        Assert.Equal(" C\r\nD E\r\n", Encoding.ASCII.GetString(DkimCanonical.Body(" C \r\nD \t E\r\n\r\n\r\n"u8)));
        Assert.Empty(DkimCanonical.Body("\r\n \r\n"u8));
        Assert.Equal("x\r\n", Encoding.ASCII.GetString(DkimCanonical.Body("x "u8)));
    }

    [Fact]
    public async Task A_foreign_verifier_takes_our_signature_and_refuses_what_was_tampered_with()
    {
        await using var dns = await RealDnsServer.StartAsync(RealDnsServer.Txt("s1._domainkey.shop.test", Key.Record));
        var signed = Encoding.Latin1.GetString(Sign(Mail));

        Assert.True(await AcceptsAsync(signed));
        Assert.True(await AcceptsAsync(signed.Replace("Hello  there\r\n  again", "Hello there again", StringComparison.Ordinal))); // a relay that folds anew
        Assert.True(await AcceptsAsync("Received: from a by b\r\n" + signed));
        foreach (var (from, to) in new[]
        {
            ("Bye", "Buy"), ("Subject: Hello", "Subject: Hallo"), ("/u/1>", "/u/2>"), ("=One-Click", "=Two-Click"), ("mf-00001", "mf-00002"), ("To: ann", "To: bob"),
            ("Date: Mon, 05", "Date: Mon, 06"), ("text/plain", "text/html"), ("From: Shop", "From: Shed"), ("Message-ID: <1", "Message-ID: <2"),
        })
            Assert.False(await AcceptsAsync(signed.Replace(from, to, StringComparison.Ordinal)), $"{from} -> {to}");
        Assert.False(await AcceptsAsync(signed.Replace("From: Shop", "From: Boss <boss@bank.test>\r\nFrom: Shop", StringComparison.Ordinal)), "a second From");

        Task<bool> AcceptsAsync(string mail) => ForeignVerifier.AcceptsAsync(dns, Encoding.Latin1.GetBytes(mail));
    }

    [Fact]
    public async Task Without_its_key_in_dns_a_signature_is_worth_nothing()
    {
        await using var dns = await RealDnsServer.StartAsync(RealDnsServer.Txt("s1._domainkey.shop.test", DkimKey.Generate().Record));
        Assert.False(await ForeignVerifier.AcceptsAsync(dns, Sign(Mail)));
    }

    [Theory]
    [InlineData("From: a@shop.test\r\nSubject: no body\r\n\r\n")]
    [InlineData("From: a@shop.test\r\nTo: b@example.org\r\nSubject: =?utf-8?B?w6Q=?=\r\n\r\n.\r\n..\r\n")]
    public async Task Odd_mails_are_signed_all_the_same(string mail)
    {
        await using var dns = await RealDnsServer.StartAsync(RealDnsServer.Txt("s1._domainkey.shop.test", Key.Record));
        Assert.True(await ForeignVerifier.AcceptsAsync(dns, Sign(mail)));
    }

    [Fact]
    public void No_line_of_the_signature_is_long_and_the_unsubscribe_headers_are_in_it()
    {
        var header = Encoding.Latin1.GetString(Sign(Mail))[..^Mail.Length];
        Assert.All(header.Split("\r\n"), line => Assert.True(line.Length <= 78, line));
        var names = Unfolded().Replace(header, "").Split("h=")[1].Split(';')[0].Split(':');
        Assert.Contains("list-unsubscribe", names);
        Assert.Contains("list-unsubscribe-post", names);
        Assert.Equal(2, names.Count(name => name == "from"));
    }

    [Fact]
    public void A_key_comes_back_from_its_pem_and_a_bad_one_is_refused_with_the_reason()
    {
        Assert.Equal(Key.PublicKey, DkimKey.Parse(Key.PrivatePem).PublicKey);
        using var weak = System.Security.Cryptography.RSA.Create(512);
        Assert.Contains("512 bits", Assert.Throws<InvalidInputException>(() => DkimKey.Parse(weak.ExportPkcs8PrivateKeyPem())).Message);
        Assert.Equal("dkim_private_key", Assert.Throws<InvalidInputException>(() => DkimKey.Parse("-----BEGIN RSA-----")).Field);
        using var publicOnly = System.Security.Cryptography.RSA.Create(2048);
        Assert.Throws<InvalidInputException>(() => DkimKey.Parse(publicOnly.ExportSubjectPublicKeyInfoPem()));
    }

    private static byte[] Sign(string mail) => new DkimSigner("shop.test", "s1", Key).Sign(Encoding.Latin1.GetBytes(mail), At);

    [GeneratedRegex("\\s")]
    private static partial Regex Unfolded();
}
