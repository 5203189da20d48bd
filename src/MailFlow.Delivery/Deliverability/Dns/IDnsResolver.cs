namespace MailFlow.Delivery.Deliverability.Dns;

/// <summary>The kinds of record that we ask for; the values are those of the wire.</summary>
public enum DnsType
{
    /// <summary>An IPv4 address.</summary>
    A = 1,

    /// <summary>Another name for the name.</summary>
    Cname = 5,

    /// <summary>The name of an address.</summary>
    Ptr = 12,

    /// <summary>A host that takes the name's mail.</summary>
    Mx = 15,

    /// <summary>Text.</summary>
    Txt = 16,

    /// <summary>An IPv6 address.</summary>
    Aaaa = 28,
}

/// <summary>What came of a question.</summary>
public enum DnsOutcome
{
    /// <summary>There are such records.</summary>
    Found,

    /// <summary>There is no such name (NXDOMAIN).</summary>
    NoSuchName,

    /// <summary>There is the name, and no such record of it.</summary>
    NoData,

    /// <summary>Servers answered, and could not tell: nothing is known.</summary>
    ServerFailure,

    /// <summary>No server answered: nothing is known.</summary>
    TimedOut,
}

/// <summary>One record.</summary>
/// <param name="Name">Whose it is: in small letters, without the last dot.</param>
/// <param name="Type">Its kind.</param>
/// <param name="Text">The address, the host, or the text: its strings joined, an octet a character.</param>
/// <param name="Preference">Of an MX: the lowest is tried first.</param>
public sealed record DnsRecord(string Name, DnsType Type, string Text, int Preference = 0);

/// <summary>An answer.</summary>
/// <param name="Outcome">What came of it.</param>
/// <param name="Records">The records found, of the kind asked for; empty for all but <see cref="DnsOutcome.Found"/>.</param>
/// <param name="Name">Whose they are: the name asked for, or the one it stands for (CNAME).</param>
public sealed record DnsAnswer(DnsOutcome Outcome, IReadOnlyList<DnsRecord> Records, string Name)
{
    /// <summary>Whether DNS said how it is, be it that there is nothing.</summary>
    public bool IsKnown => Outcome is DnsOutcome.Found or DnsOutcome.NoSuchName or DnsOutcome.NoData;
}

/// <summary>Asks DNS.</summary>
public interface IDnsResolver
{
    /// <summary>The records of a name and kind; a CNAME is followed, unless it is what is asked for. Trouble is an answer, not an exception.</summary>
    /// <exception cref="FormatException">The name cannot stand in DNS.</exception>
    Task<DnsAnswer> QueryAsync(string name, DnsType type, CancellationToken ct);
}
