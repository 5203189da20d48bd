namespace MailFlow.Delivery;

/// <summary>Who followed a link in a mail, as far as the request tells: kept with what was said, to prove it.</summary>
public sealed record Visitor
{
    private const int LongestAgent = 300;

    /// <summary>Takes what a request says; of a program's name, one line.</summary>
    public Visitor(string? ip, string? userAgent)
    {
        Ip = ip;
        var line = userAgent is null ? "" : new string([.. userAgent.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(LongestAgent)]).Trim();
        UserAgent = line.Length == 0 ? null : line;
    }

    /// <summary>Where the request came from; null when unknown.</summary>
    public string? Ip { get; }

    /// <summary>The program that made it; null when it did not say.</summary>
    public string? UserAgent { get; }

    /// <summary>For a record in words: "from 203.0.113.7 with Mail/1.0".</summary>
    public override string ToString() => $"from {Ip ?? "an unknown address"} with {UserAgent ?? "an unnamed program"}";
}
