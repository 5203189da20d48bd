using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability;

/// <summary>Tries whether a host can be called by https.</summary>
public interface ITlsProbe
{
    /// <summary>What stands in the way, in words that can follow a colon; null for nothing.</summary>
    Task<string?> ProbeAsync(string host, CancellationToken ct);
}

/// <summary>
/// Connects to port 443 and shakes hands, no more. The host is of a tenant's choosing: it is looked up once, only public addresses are called, and what is said does not
/// tell open from closed ports elsewhere.
/// </summary>
internal sealed class TlsProbe(IDnsResolver dns, TimeProvider time) : ITlsProbe
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public async Task<string?> ProbeAsync(string host, CancellationToken ct)
    {
        var addresses = new List<IPAddress>();
        foreach (var type in new[] { DnsType.A, DnsType.Aaaa })
            addresses.AddRange((await dns.QueryAsync(host, type, ct)).Records.Select(record => IPAddress.Parse(record.Text)));
        if (addresses.Count == 0) return "it has no address";
        if (addresses.Find(address => PublicAddress.WhyNot(address) is not null) is { } refused) return $"its address {refused} is not a public one";

        using var timeout = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            using var client = new TcpClient(addresses[0].AddressFamily);
            await client.ConnectAsync(addresses[0], 443, either.Token);
            return await ShakeHandsAsync(client.GetStream(), host, either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return "it does not answer in time";
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return "nothing answers there";
        }
    }

    /// <summary>The same over a connection that is there.</summary>
    internal static async Task<string?> ShakeHandsAsync(Stream connection, string host, CancellationToken ct)
    {
        var errors = SslPolicyErrors.None;
        await using var tls = new SslStream(connection);
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                RemoteCertificateValidationCallback = (_, _, _, found) => (errors = found) == SslPolicyErrors.None,
            }, ct);
            return null;
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            return errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? "its certificate is another host's"
                : errors != SslPolicyErrors.None ? "its certificate is not one that browsers trust, or has expired" : "it does not speak TLS";
        }
    }
}
