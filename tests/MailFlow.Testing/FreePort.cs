using System.Net;
using System.Net.Sockets;

namespace MailFlow.Testing;

/// <summary>Ports of 127.0.0.1 for the servers of tests.</summary>
public static class FreePort
{
    /// <summary>One that nobody listens on now. Another process may take it before it is used: who can, tries another one then.</summary>
    public static int Take()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
