using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MailFlow.Server.Hosting;

/// <summary>
/// Whether the server can listen where it is to, asked before anything is written: Kestrel itself binds last of all, when the schema is applied and keys are
/// made.
/// </summary>
internal static class ListenAddresses
{
    private const string Other = "set ASPNETCORE_URLS to another address, such as http://127.0.0.1:5081";

    /// <summary>Whether they are addresses at all, before anything is derived from them.</summary>
    /// <exception cref="StartRefusedException">One is not.</exception>
    public static void Check(IConfiguration configuration) => Read(configuration);

    /// <summary>Binds each address as Kestrel will, and lets go of it.</summary>
    /// <exception cref="StartRefusedException">One cannot be bound.</exception>
    public static void Try(WebApplication app)
    {
        if (app.Services.GetRequiredService<IServer>().GetType().Assembly != typeof(KestrelServer).Assembly) return; // a test's server, which binds nothing
        foreach (var (url, address) in Read(app.Configuration))
            if (!address.IsUnixPipe && !address.IsNamedPipe) Try(url, address);
    }

    private static List<(string Url, BindingAddress Address)> Read(IConfiguration configuration)
    {
        var urls = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).OfType<string>().ToList();
        if (urls is []) urls = [.. (configuration[WebHostDefaults.ServerUrlsKey] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        return urls.ConvertAll(url =>
        {
            try
            {
                return (url, BindingAddress.Parse(url));
            }
            catch (FormatException)
            {
                throw new StartRefusedException($"'{url}' is no address to listen at: {Other}.");
            }
        });
    }

    private static void Try(string url, BindingAddress address)
    {
        SocketException? failed = null;
        var isBound = false;
        foreach (var endpoint in EndpointsOf(address))
        {
            try
            {
                SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint).Dispose();
                isBound = true;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                throw new StartRefusedException($"another program listens at {url}. Stop that one, or {Other}.", error);
            }
            catch (SocketException error)
            {
                failed = error; // a machine without IPv6 has the other
            }
        }
        if (!isBound) throw new StartRefusedException($"nothing can listen at {url} ({failed!.Message}): {Other}.", failed);
    }

    /// <summary>Where Kestrel listens for it: at one of these, or both.</summary>
    private static IPEndPoint[] EndpointsOf(BindingAddress address)
    {
        if (address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)) return [new(IPAddress.Loopback, address.Port), new(IPAddress.IPv6Loopback, address.Port)];
        return IPAddress.TryParse(address.Host, out var ip) ? [new(ip, address.Port)] : [new(IPAddress.IPv6Any, address.Port), new(IPAddress.Any, address.Port)];
    }
}
