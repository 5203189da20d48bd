using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Tests.Deliverability;

public sealed class TlsProbeTests
{
    // Our own network is not to be looked into by way of a tenant's host name; nothing is connected to.
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.1.2.3")]
    [InlineData("169.254.169.254")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("8.8.8.8", "192.168.0.1")]
    public async Task A_host_on_a_private_network_is_not_called(params string[] addresses) =>
        Assert.Contains("is not a public one", await new TlsProbe(new Fixed(addresses), TimeProvider.System).ProbeAsync("links.shop.test", default));

    [Fact]
    public async Task A_host_without_an_address_is_not_called() =>
        Assert.Equal("it has no address", await new TlsProbe(new Fixed([]), TimeProvider.System).ProbeAsync("links.shop.test", default));

    [Theory]
    [InlineData("links.shop.test", "its certificate is not one that browsers trust, or has expired")]
    [InlineData("other.test", "its certificate is another host's")]
    public async Task A_certificate_of_another_host_or_of_nobody_known_is_told(string host, string problem)
    {
        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=links.shop.test", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("links.shop.test");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        Assert.Equal(problem, await ProbeAsync(host, async stream =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(certificate);
        }));
    }

    [Fact]
    public async Task Something_else_than_tls_is_told() => Assert.Equal("it does not speak TLS", await ProbeAsync("links.shop.test", async stream =>
    {
        await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"u8.ToArray());
    }));

    private static async Task<string?> ProbeAsync(string host, Func<NetworkStream, Task> serve)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var served = Task.Run(async () =>
        {
            using var accepted = await listener.AcceptTcpClientAsync();
            await using var stream = accepted.GetStream();
            try
            {
                await serve(stream);
            }
            catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The other side took offence at what it was shown, as it should.
            }
        });
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        var problem = await TlsProbe.ShakeHandsAsync(client.GetStream(), host, default);
        client.Close();
        await served;
        return problem;
    }

    private sealed class Fixed(string[] addresses) : IDnsResolver
    {
        public Task<DnsAnswer> QueryAsync(string name, DnsType type, CancellationToken ct)
        {
            var found = addresses.Where(address => address.Contains(':') == (type == DnsType.Aaaa)).Select(address => new DnsRecord(name, type, address)).ToList();
            return Task.FromResult(new DnsAnswer(found.Count > 0 ? DnsOutcome.Found : DnsOutcome.NoData, found, name));
        }
    }
}
