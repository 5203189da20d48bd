using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Deliverability.Dkim;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Deliverability;

/// <summary>Each check against records in a real DNS server.</summary>
public sealed class DomainChecksTests
{
    private static readonly DkimKey Key = DkimKey.Generate();
    private static readonly SendingRoute SendGrid = new("sendgrid"), Relay = new("smtp", "relay.test");

    [Fact]
    public async Task A_domain_that_is_set_up_well_passes_everything()
    {
        var checks = await CheckAsync(Domain() with { TrackingHost = "links.shop.test" }, [Relay],
            Spf("v=spf1 ip4:8.8.4.4 ~all"), Dkim(Key.Record), RealDnsServer.Txt("_dmarc.shop.test", "v=DMARC1; p=quarantine; adkim=s; aspf=s"), "mx-host=shop.test,mx.shop.test,10",
            "host-record=relay.test,8.8.4.4", "ptr-record=4.4.8.8.in-addr.arpa,relay.test", "host-record=mail.test,192.0.2.1", "cname=links.shop.test,mail.test");

        Assert.All(checks, check => Assert.True(check.State == CheckState.Pass, $"{check.Name}: {check.Meaning}"));
        Assert.Equal(["spf", "dkim", "dmarc", "mail", "relay", "tracking"], checks.Select(check => check.Name));
        Assert.Equal(CheckState.Pass, DomainCheck.Sum(checks));
    }

    [Fact]
    public async Task A_domain_with_nothing_fails_and_each_check_says_what_to_publish()
    {
        var checks = await CheckAsync(Domain(), [SendGrid]);

        Assert.Equal(CheckState.Fail, DomainCheck.Sum(checks));
        Assert.Equal([new("TXT", "shop.test", "v=spf1 include:sendgrid.net ~all")], checks[0].Records);
        Assert.Equal([new("TXT", "s1._domainkey.shop.test", Key.Record)], checks[1].Records);
        Assert.Equal([new("TXT", "_dmarc.shop.test", "v=DMARC1; p=none; rua=mailto:dmarc@shop.test")], checks[2].Records);
        Assert.Contains("does not exist", checks[3].Meaning);
    }

    [Theory]
    [InlineData("ses", "amazonses.com")]
    [InlineData("sendgrid", "sendgrid.net")]
    public async Task Where_the_envelope_is_the_providers_and_nobody_is_known_to_sign_dmarc_fails(string provider, string include)
    {
        string[] records =
        [
            Spf($"v=spf1 include:{include} ~all"), RealDnsServer.Txt(include, "v=spf1 ip4:192.0.2.0/24 -all"), Dkim(Key.Record),
            RealDnsServer.Txt("_dmarc.shop.test", "v=DMARC1; p=reject"), "mx-host=shop.test,mx.shop.test,10",
        ];

        var unsigned = await CheckAsync(Domain() with { Dkim = null }, [new(provider)], records);
        var signed = await CheckAsync(Domain(), [new(provider)], records);
        var ownPath = await CheckAsync(Domain() with { Dkim = null, ReturnPath = "bounce.shop.test" }, [new(provider)], [.. records, RealDnsServer.Txt("bounce.shop.test", $"v=spf1 include:{include} ~all")]);

        Assert.Equal((CheckState.Fail, CheckState.Fail), (unsigned[2].State, DomainCheck.Sum(unsigned)));
        Assert.Contains("return path", unsigned[2].Meaning);
        Assert.Equal((CheckState.Warning, CheckState.Warning), (signed[2].State, DomainCheck.Sum(signed)));
        Assert.Equal(CheckState.Pass, ownPath[2].State);
        Assert.Equal(CheckState.Fail, (await CheckAsync(Domain() with { Dkim = null, ReturnPath = "bounce.other.test" }, [Relay], records))[2].State);
    }

    [Theory]
    [InlineData("v=spf1 include:sendgrid.net ~all", CheckState.Pass, "2 of 10")]
    [InlineData("v=spf1 include:sendgrid.net -all", CheckState.Pass, "")]
    [InlineData("V=SPF1 INCLUDE:SendGrid.net ~ALL", CheckState.Pass, "")]
    [InlineData("v=spf1 redirect=redirected.test", CheckState.Pass, "3 of 10")]
    [InlineData("v=spf1 include:sendgrid.net +all", CheckState.Fail, "everybody")]
    [InlineData("v=spf1 include:sendgrid.net", CheckState.Warning, "does not say")]
    [InlineData("v=spf1 include:sendgrid.net ?all", CheckState.Warning, "does not say")]
    [InlineData("v=spf1 mx ~all", CheckState.Warning, "does not include sendgrid.net")]
    [InlineData("v=spf1 include:sendgrid.net ipv4:192.0.2.1 ~all", CheckState.Fail, "“ipv4:192.0.2.1” is no term")]
    [InlineData("v=spf1 include:sendgrid.net ip4:192.0.2.1/33 ~all", CheckState.Fail, "no term")]
    [InlineData("v=spf1 include:sendgrid.net ip4:10.1 ~all", CheckState.Fail, "no term")]
    [InlineData("v=spf1 include: ~all", CheckState.Fail, "no term")]
    [InlineData("v=spf1 include:sendgrid.net include:nobody.test ~all", CheckState.Fail, "nobody.test, which has no SPF record")]
    [InlineData("v=spf1 include:sendgrid.net include:twice.test ~all", CheckState.Fail, "more than one")]
    [InlineData("v=spf1 include:sendgrid.net include:heavy.test ~all", CheckState.Fail, "12 look-ups")]
    [InlineData("v=spf1 include:sendgrid.net include:loop.test ~all", CheckState.Fail, "look-ups")]
    [InlineData("v=spf1 include:sendgrid.net a:n1.test a:n2.test a:n3.test ~all", CheckState.Warning, "find nothing")]
    [InlineData("v=spf1 include:sendgrid.net include:elsewhere.example ~all", CheckState.NotChecked, "nothing is known")]
    [InlineData("v=spf10 include:sendgrid.net ~all", CheckState.Fail, "no SPF record")]
    public async Task Spf_is_read_as_receivers_read_it(string record, CheckState state, string words)
    {
        var check = (await CheckAsync(Domain(), [SendGrid], RealDnsServer.Txt("shop.test", "other=text"), Spf(record),
            RealDnsServer.Txt("sendgrid.net", "v=spf1 include:ab.sendgrid.net ~all"), RealDnsServer.Txt("ab.sendgrid.net", "v=spf1 ip4:167.89.0.0/17 -all"),
            RealDnsServer.Txt("redirected.test", "v=spf1 include:sendgrid.net -all"), RealDnsServer.Txt("twice.test", "v=spf1 -all"), RealDnsServer.Txt("twice.test", "v=spf1 ~all"),
            RealDnsServer.Txt("heavy.test", "v=spf1 a:x1.test a:x1.test a:x1.test a:x1.test a:x1.test a:x1.test a:x1.test a:x1.test a:x1.test -all"), "host-record=x1.test,192.0.2.1",
            RealDnsServer.Txt("loop.test", "v=spf1 include:loop.test -all"), "mx-host=shop.test,x1.test,1"))[0];
        Assert.True((check.State, check.Meaning.Contains(words, StringComparison.Ordinal)) == (state, true), $"{check.State}: {check.Meaning}");
    }

    [Fact]
    public async Task Two_spf_records_are_to_be_made_one()
    {
        var check = (await CheckAsync(Domain(), [SendGrid], Spf("v=spf1 include:sendgrid.net -all"), Spf("v=spf1 mx include:sendgrid.net ~all")))[0];
        Assert.Equal(CheckState.Fail, check.State);
        var terms = Assert.Single(check.Records).Value.Split(' ');
        Assert.Equal(["include:sendgrid.net", "mx", "v=spf1", "~all"], terms.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("v=spf1 ip4:8.8.4.0/24 ~all", CheckState.Pass)]
    [InlineData("v=spf1 a:relay.test ~all", CheckState.Pass)]
    [InlineData("v=spf1 mx/24 ~all", CheckState.Pass)]
    [InlineData("v=spf1 ip4:8.8.8.8 ~all", CheckState.Warning)]
    [InlineData("v=spf1 -ip4:8.8.4.4 ~all", CheckState.Warning)]
    public async Task The_relays_address_is_to_be_allowed(string record, CheckState state)
    {
        var check = (await CheckAsync(Domain(), [Relay], Spf(record), "host-record=relay.test,8.8.4.4", "mx-host=shop.test,mx.shop.test,1", "host-record=mx.shop.test,8.8.4.9"))[0];
        Assert.True(check.State == state, check.Meaning);
        if (state == CheckState.Warning) Assert.Contains("ip4:8.8.4.4 ~all", check.Records[0].Value);
    }

    [Fact]
    public async Task A_return_path_of_ones_own_must_allow_the_provider()
    {
        var check = (await CheckAsync(Domain() with { ReturnPath = "bounce.shop.test" }, [SendGrid], Spf("v=spf1 include:sendgrid.net ~all"), RealDnsServer.Txt("bounce.shop.test", "v=spf1 mx ~all")))[0];
        Assert.Equal((CheckState.Fail, "v=spf1 mx include:sendgrid.net ~all"), (check.State, check.Records[0].Value));
    }

    // Seen red: the record that SendGrid keeps for a customer's own addresses includes nothing of SendGrid's, and a second provider's mail never bears the first one's return path.
    [Fact]
    public async Task A_return_path_that_the_provider_keeps_is_the_providers_affair()
    {
        string[] records = [Spf("v=spf1 include:sendgrid.net include:amazonses.com ~all"), "cname=em1.shop.test,u1.wl.sendgrid.net", RealDnsServer.Txt("u1.wl.sendgrid.net", "v=spf1 ip4:192.0.2.7 -all")];

        Assert.Equal(CheckState.Pass, (await CheckAsync(Domain() with { ReturnPath = "em1.shop.test" }, [SendGrid], records))[0].State);
        Assert.Equal(CheckState.Warning, (await CheckAsync(Domain() with { ReturnPath = "em1.shop.test" }, [SendGrid, new("ses")], records))[0].State);
        Assert.Equal(CheckState.Fail, (await CheckAsync(Domain() with { ReturnPath = "em1.shop.test" }, [new("ses")], records))[0].State);
    }

    // Seen red: under a registry that is not known here its record was looked for at the registry's name, and the domain failed.
    [Fact]
    public async Task A_dmarc_record_is_found_at_any_name_above_the_domain()
    {
        var check = (await CheckAsync(Domain() with { Domain = "news.shop.city.test" }, [Relay], RealDnsServer.Txt("_dmarc.shop.city.test", "v=DMARC1; p=none")))[2];
        Assert.Equal((CheckState.Pass, "v=DMARC1; p=none"), (check.State, Assert.Single(check.Found)));
    }

    [Theory]
    [InlineData(null, CheckState.Fail, "no key at")]
    [InlineData("v=DKIM1; k=rsa; p=", CheckState.Fail, "revoked")]
    [InlineData("v=DKIM1; k=rsa; p=bm8ga2V5", CheckState.Fail, "cannot be read")]
    [InlineData("v=DKIM1; k=rsa", CheckState.Fail, "no DKIM key")]
    [InlineData("hello", CheckState.Fail, "no DKIM key")]
    [InlineData("v=DKIM1; h=sha1; k=rsa; p={key}", CheckState.Fail, "SHA-256")]
    [InlineData("v=DKIM1; t=y; k=rsa; p={key}", CheckState.Warning, "testing")]
    [InlineData("v=DKIM1; k=rsa; p={other}", CheckState.Fail, "not the one that we sign with")]
    [InlineData("k=rsa; p={key}", CheckState.Pass, "2048 bits")]
    public async Task Dkim_of_our_own_key(string? record, CheckState state, string words)
    {
        var text = record?.Replace("{key}", Key.PublicKey, StringComparison.Ordinal).Replace("{other}", DkimKey.Generate().PublicKey, StringComparison.Ordinal);
        var check = (await CheckAsync(Domain(), [Relay], text is null ? [] : [Dkim(text)]))[1];
        Assert.True((check.State, check.Meaning.Contains(words, StringComparison.Ordinal)) == (state, true), $"{check.State}: {check.Meaning}");
    }

    [Theory]
    [InlineData(512, CheckState.Fail)]
    [InlineData(1024, CheckState.Warning)]
    [InlineData(2048, CheckState.Pass)]
    public async Task The_providers_key_is_to_be_strong(int bits, CheckState state)
    {
        using var rsa = System.Security.Cryptography.RSA.Create(bits);
        var domain = Domain() with { Dkim = new DkimIdentity("s1", false, new("TXT", "s1._domainkey.shop.test", "")) };
        var check = (await CheckAsync(domain, [SendGrid], "cname=s1._domainkey.shop.test,s1.sendgrid.net",
            RealDnsServer.Txt("s1.sendgrid.net", $"k=rsa; p={Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo())}")))[1];
        Assert.True(check.State == state, check.Meaning);
    }

    [Theory]
    [InlineData("shop.test", "v=DMARC1; p=reject", null, CheckState.Pass, "refused")]
    [InlineData("shop.test", "v=DMARC1;p=none;", null, CheckState.Pass, "only to report")]
    [InlineData("shop.test", "v=DMARC1; p=stop", null, CheckState.Fail, "cannot be read")]
    [InlineData("shop.test", "v=DMARC1; p=none; p=none", null, CheckState.Fail, "cannot be read")]
    [InlineData("shop.test", "v=DMARC1; p=none; aspf=x", null, CheckState.Warning, "“aspf”")]
    [InlineData("shop.test", "v=DMARC1; p=none", "bounce.shop.test", CheckState.Pass, "bounce.shop.test")]
    [InlineData("shop.test", "v=DMARC1; p=none; aspf=s", "bounce.shop.test", CheckState.Warning, "aspf=s")]
    [InlineData("shop.test", "v=DMARC1; p=none", "bounce.other.test", CheckState.Warning, "not within shop.test")]
    [InlineData("news.shop.test", "v=DMARC1; p=none", null, CheckState.Pass, "news.shop.test")]
    public async Task Dmarc_is_read_as_receivers_read_it(string domain, string record, string? returnPath, CheckState state, string words)
    {
        var check = (await CheckAsync(Domain() with { Domain = domain, ReturnPath = returnPath }, [Relay], RealDnsServer.Txt("_dmarc.shop.test", record)))[2];
        Assert.True((check.State, check.Meaning.Contains(words, StringComparison.Ordinal)) == (state, true), $"{check.State}: {check.Meaning}");
    }

    [Theory]
    [InlineData("mx-host=shop.test,mx.shop.test,1", CheckState.Pass)]
    [InlineData("host-record=shop.test,192.0.2.1", CheckState.Warning)]
    [InlineData("txt-record=shop.test,x", CheckState.Fail)]
    public async Task Answers_can_be_taken(string record, CheckState state) => Assert.Equal(state, (await CheckAsync(Domain(), [SendGrid], record))[3].State);

    [Theory]
    [InlineData("10.0.0.25", "", CheckState.NotChecked, "private network")]
    [InlineData("8.8.4.4", "", CheckState.Fail, "has no name")]
    [InlineData("8.8.4.5", "", CheckState.Warning, "may leave from another")] // seen red: of a hoster's relay that hands mail on, the domain failed
    [InlineData("8.8.4.4", "other.test", CheckState.Fail, "does not lead back")]
    [InlineData("8.8.4.5", "other.test", CheckState.Warning, "may leave from another")]
    [InlineData("8.8.4.4", "relay.test", CheckState.Pass, "leads back")]
    [InlineData("2001:4860:4860::8844", "relay.test", CheckState.Pass, "leads back")]
    public async Task The_relay_has_a_name_that_leads_back(string address, string name, CheckState state, string words)
    {
        var reverse = MailFlow.Delivery.Deliverability.Checks.RelayCheck.ReverseName(System.Net.IPAddress.Parse(address));
        var check = (await CheckAsync(Domain(), [Relay], [Spf("v=spf1 ip4:8.8.4.4 ~all"), $"address=/relay.test/{address}", "host-record=other.test,8.8.8.8", .. name == "" ? Array.Empty<string>() : [$"ptr-record={reverse},{name}"]]))[4];
        Assert.True((check.State, check.Meaning.Contains(words, StringComparison.Ordinal)) == (state, true), $"{check.State}: {check.Meaning}");
    }

    // Seen red: the first address, of which SPF says nothing, hid the second; and while SPF could not be read, a failure became a warning, which ends it.
    [Fact]
    public async Task Of_a_relay_with_several_addresses_the_worst_counts_and_silence_is_no_warning()
    {
        string[] relay = ["address=/relay.test/8.8.4.5", "address=/relay.test/2001:4860:4860::8844"];
        Assert.Equal(CheckState.Fail, (await CheckAsync(Domain(), [Relay], [.. relay, Spf("v=spf1 ip6:2001:4860:4860::8844 ~all")]))[4].State);
        Assert.Equal(CheckState.NotChecked, (await CheckAsync(Domain(), [Relay], [.. relay, Spf("v=spf1 include:elsewhere.example ~all")]))[4].State);
    }

    [Theory]
    [InlineData("cname=links.shop.test,mail.test", null, CheckState.Pass, "trust")]
    [InlineData("host-record=links.shop.test,192.0.2.1", null, CheckState.Pass, "trust")]
    [InlineData("host-record=links.shop.test,192.0.2.99", null, CheckState.Fail, "elsewhere")]
    [InlineData("txt-record=shop.test,x", null, CheckState.Fail, "no host")]
    [InlineData("cname=links.shop.test,mail.test", "its certificate is another host's", CheckState.Fail, "another host's")]
    public async Task Links_lead_here_by_https(string record, string? problem, CheckState state, string words)
    {
        await using var server = await RealDnsServer.StartAsync("host-record=mail.test,192.0.2.1", record);
        var check = (await new DomainChecks(DnsResolverTests.For(server), new Tls(problem), Options).RunAsync(Domain() with { TrackingHost = "links.shop.test" }, [SendGrid], default)).Checks[5];
        Assert.True((check.State, check.Meaning.Contains(words, StringComparison.Ordinal)) == (state, true), $"{check.State}: {check.Meaning}");
    }

    [Fact]
    public async Task Where_dns_does_not_answer_nothing_is_held_against_the_domain()
    {
        var dns = new DnsResolver(new DnsOptions { Servers = ["127.0.0.1:1"] }, TimeProvider.System);
        var (checks, nextIsThere) = await new DomainChecks(dns, new Tls(null), Options).RunAsync(Domain() with { TrackingHost = "links.shop.test", NextDkim = Domain().Dkim, Dkim = null }, [Relay], default);

        Assert.All(checks, check => Assert.Equal(CheckState.NotChecked, check.State));
        Assert.Equal((CheckState.NotChecked, false), (DomainCheck.Sum(checks), nextIsThere));
    }

    [Theory]
    [InlineData("shop.example.co.uk", "example.co.uk")]
    [InlineData("example.co.uk", "example.co.uk")]
    [InlineData("a.b.example.com", "example.com")]
    [InlineData("news.example.com.au", "example.com.au")]
    [InlineData("example.de", "example.de")]
    [InlineData("news.firma.com.gr", "firma.com.gr")]
    [InlineData("news.firma.gr", "firma.gr")]
    public void The_organisational_domain(string domain, string organisation) => Assert.Equal(organisation, OrganisationalDomain.Of(domain));

    private static DeliveryOptions Options { get; } = new() { PublicBaseUrl = "https://mail.test" };

    private static SendingDomain Domain() => new(
        "shop.test", null, null, new DkimIdentity("s1", true, new("TXT", "s1._domainkey.shop.test", Key.Record)), null, CheckState.NotChecked, null, []);

    private static string Spf(string record) => RealDnsServer.Txt("shop.test", record);

    private static string Dkim(string record) => RealDnsServer.Txt("s1._domainkey.shop.test", record);

    private static async Task<IReadOnlyList<DomainCheck>> CheckAsync(SendingDomain domain, IReadOnlyList<SendingRoute> routes, params string[] records)
    {
        await using var server = await RealDnsServer.StartAsync(records);
        return (await new DomainChecks(DnsResolverTests.For(server), new Tls(null), Options).RunAsync(domain, routes, default)).Checks;
    }

    private sealed class Tls(string? problem) : ITlsProbe
    {
        public Task<string?> ProbeAsync(string host, CancellationToken ct) => Task.FromResult(problem);
    }
}
