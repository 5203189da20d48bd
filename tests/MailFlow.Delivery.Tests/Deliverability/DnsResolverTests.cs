using System.Net;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Deliverability;

/// <summary>Our resolver against a real DNS server.</summary>
public sealed class DnsResolverTests
{
    [Fact]
    public async Task Each_kind_of_record_is_read()
    {
        await using var server = await RealDnsServer.StartAsync(
            "host-record=mx1.shop.test,192.0.2.7,2001:db8::7", "mx-host=shop.test,mx1.shop.test,10", "mx-host=shop.test,mx2.shop.test,20",
            "ptr-record=7.2.0.192.in-addr.arpa,mx1.shop.test", "cname=links.shop.test,mx1.shop.test", RealDnsServer.Txt("shop.test", "v=spf1 mx ~all"), RealDnsServer.Txt("shop.test", new string('x', 600)));
        var dns = For(server);

        Assert.Equal(["192.0.2.7"], Texts(await dns.QueryAsync("MX1.shop.test.", DnsType.A, default)));
        Assert.Equal(["2001:db8::7"], Texts(await dns.QueryAsync("mx1.shop.test", DnsType.Aaaa, default)));
        Assert.Equal(["mx1.shop.test"], Texts(await dns.QueryAsync("7.2.0.192.in-addr.arpa", DnsType.Ptr, default)));
        Assert.Equal([new string('x', 600), "v=spf1 mx ~all"], Texts(await dns.QueryAsync("shop.test", DnsType.Txt, default)).Order().Reverse());
        Assert.Equal([(10, "mx1.shop.test"), (20, "mx2.shop.test")], (await dns.QueryAsync("shop.test", DnsType.Mx, default)).Records.Select(mx => (mx.Preference, mx.Text)).Order());
        Assert.Equal(["mx1.shop.test"], Texts(await dns.QueryAsync("links.shop.test", DnsType.Cname, default)));
    }

    [Fact]
    public async Task An_alias_is_followed_and_the_answer_says_whose_it_is()
    {
        await using var server = await RealDnsServer.StartAsync("host-record=mx1.shop.test,192.0.2.7", "cname=links.shop.test,mx1.shop.test", RealDnsServer.Txt("mx1.shop.test", "text"));
        var dns = For(server);

        var address = await dns.QueryAsync("links.shop.test", DnsType.A, default);
        Assert.Equal(("mx1.shop.test", "192.0.2.7"), (address.Name, Assert.Single(address.Records).Text));
        Assert.Equal(["text"], Texts(await dns.QueryAsync("links.shop.test", DnsType.Txt, default)));
        Assert.Equal(DnsOutcome.NoData, (await dns.QueryAsync("links.shop.test", DnsType.Mx, default)).Outcome);
    }

    // Seen red with the TCP step taken out: the outcome was ServerFailure.
    [Fact]
    public async Task What_does_not_fit_a_datagram_comes_by_tcp()
    {
        var texts = Enumerable.Range(1, 30).Select(n => $"{n:00}{new string('x', 240)}").ToList();
        await using var server = await RealDnsServer.StartAsync([.. texts.Select(text => RealDnsServer.Txt("big.test", text))]);

        var answer = await For(server).QueryAsync("big.test", DnsType.Txt, default);
        Assert.Equal(texts, Texts(answer).Order());
    }

    [Fact]
    public async Task Nothing_there_is_told_from_nothing_known()
    {
        await using var server = await RealDnsServer.StartAsync("host-record=mx1.shop.test,192.0.2.7");
        var dns = For(server);

        Assert.Equal(DnsOutcome.NoSuchName, (await dns.QueryAsync("nobody.test", DnsType.A, default)).Outcome);
        Assert.Equal(DnsOutcome.NoData, (await dns.QueryAsync("mx1.shop.test", DnsType.Txt, default)).Outcome);
        Assert.Equal(DnsOutcome.ServerFailure, (await dns.QueryAsync("refused.example", DnsType.A, default)).Outcome);
    }

    [Fact]
    public async Task Where_one_server_is_down_the_next_one_answers()
    {
        await using var server = await RealDnsServer.StartAsync("host-record=mx1.shop.test,192.0.2.7");
        int closed;
        using (var socket = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, 0))) closed = ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
        var dns = new DnsResolver(new DnsOptions { Servers = [$"127.0.0.1:{closed}", $"127.0.0.1:{server.Port}"] }, TimeProvider.System);

        Assert.Equal(["192.0.2.7"], Texts(await dns.QueryAsync("mx1.shop.test", DnsType.A, default)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("with blank.test")]
    [InlineData("ümlaut.test")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234.test")]
    public async Task What_cannot_be_a_name_is_not_asked(string name) =>
        await Assert.ThrowsAsync<FormatException>(() => new DnsResolver(new DnsOptions { Servers = ["127.0.0.1:9"] }, TimeProvider.System).QueryAsync(name, DnsType.A, default));

    [Fact]
    public void The_systems_servers_are_read_from_its_file()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "# resolvers\nsearch example.org\nnameserver 192.0.2.1\nnameserver\t2001:db8::1\nnameserver rubbish\n;nameserver 192.0.2.3\n");
        Assert.Equal(["192.0.2.1:53", "[2001:db8::1]:53"], DnsOptions.ResolvConf(file).Select(server => server.ToString()));
        File.Delete(file);
        Assert.Equal(["127.0.0.1:53"], DnsOptions.ResolvConf(file).Select(server => server.ToString()));
    }

    internal static DnsResolver For(RealDnsServer server) => new(new DnsOptions { Servers = [$"127.0.0.1:{server.Port}"] }, TimeProvider.System);

    private static IEnumerable<string> Texts(DnsAnswer answer) => answer.Records.Select(record => record.Text);
}
