using System.Net;
using MailFlow.Data;

namespace MailFlow.Delivery.Deliverability.Dns;

/// <summary>Which servers are asked: the section <c>MailFlow:Delivery:Dns</c>.</summary>
public sealed record DnsOptions
{
    private const int Port = 53;

    /// <summary>Recursive resolvers in order of preference, <c>192.0.2.1</c> or <c>127.0.0.1:5353</c>; empty for those of <c>/etc/resolv.conf</c>.</summary>
    public IReadOnlyList<string> Servers { get; init; } = [];

    /// <summary>How long a server may take, 0.1 to 30 seconds.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often each server is asked, 1 to 5.</summary>
    public int Rounds { get; init; } = 2;

    internal void Check()
    {
        foreach (var server in Servers)
            if (!IPEndPoint.TryParse(server, out _)) throw new InvalidInputException("Dns:Servers", $"'{server}' is not an IP address, with or without a port");
        if (Timeout.TotalSeconds is not (>= 0.1 and <= 30)) throw new InvalidInputException("Dns:Timeout", "is not between 0.1 and 30 seconds");
        if (Rounds is < 1 or > 5) throw new InvalidInputException("Dns:Rounds", "is not between 1 and 5");
    }

    /// <summary>The servers to ask.</summary>
    internal IReadOnlyList<IPEndPoint> Endpoints() => Servers.Count > 0
        ? [.. Servers.Select(server => IPEndPoint.Parse(server)).Select(endpoint => endpoint.Port == 0 ? new IPEndPoint(endpoint.Address, Port) : endpoint)]
        : ResolvConf("/etc/resolv.conf");

    /// <summary>The servers that a file names; without the file or a server in it, this machine, as the C library has it.</summary>
    internal static IReadOnlyList<IPEndPoint> ResolvConf(string file)
    {
        var found = new List<IPEndPoint>();
        if (File.Exists(file))
            foreach (var line in File.ReadLines(file))
                if (line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is ["nameserver", var text, ..] && IPAddress.TryParse(text, out var address))
                    found.Add(new IPEndPoint(address, Port));
        return found.Count > 0 ? found : [new IPEndPoint(IPAddress.Loopback, Port)];
    }
}
