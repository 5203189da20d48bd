using System.Net;
using System.Net.Sockets;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>One term of an SPF record: <c>-all</c>, <c>include:example.org</c>, <c>redirect=example.org</c>.</summary>
/// <param name="Qualifier"><c>+</c>, <c>-</c>, <c>~</c> or <c>?</c>; <c>=</c> for a modifier.</param>
/// <param name="Name">In small letters.</param>
/// <param name="Domain">What follows the colon or the equals sign, without a prefix length; empty for nothing.</param>
/// <param name="Prefix4">Of an address or host: how many bits count in IPv4.</param>
/// <param name="Prefix6">The same in IPv6.</param>
internal sealed record SpfTerm(char Qualifier, string Name, string Domain, int Prefix4, int Prefix6)
{
    /// <summary>Whether it costs a look-up, of which a receiver makes ten (RFC 7208 §4.6.4).</summary>
    public bool LooksUp => Name is "include" or "a" or "mx" or "ptr" or "exists" or "redirect";

    /// <summary>Whether it stands for a value that only the receiver knows.</summary>
    public bool HasMacro => Domain.Contains('%', StringComparison.Ordinal);
}

/// <summary>An SPF record (RFC 7208 §4.6, §5, §6), read to the letter: a receiver throws the whole record away for one term it cannot read.</summary>
internal static class SpfRecord
{
    public static bool Is(string text) => text.Equals("v=spf1", StringComparison.OrdinalIgnoreCase) || text.StartsWith("v=spf1 ", StringComparison.OrdinalIgnoreCase);

    /// <summary>Its terms; what cannot be read goes to <paramref name="errors"/> in words.</summary>
    public static IReadOnlyList<SpfTerm> Parse(string text, List<string> errors)
    {
        var terms = new List<SpfTerm>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1))
        {
            if (Read(word) is { } term) terms.Add(term);
            else errors.Add($"“{Shown(word)}” is no term of SPF.");
        }
        foreach (var name in new[] { "redirect", "exp" })
            if (terms.Count(term => term.Qualifier == '=' && term.Name == name) > 1) errors.Add($"“{name}=” stands there more than once.");
        return terms;
    }

    private static SpfTerm? Read(string word)
    {
        var qualifier = word[0] is '+' or '-' or '~' or '?' ? word[0] : '+';
        var rest = word[0] == qualifier ? word[1..] : word;
        var end = rest.AsSpan().IndexOfAny(':', '/', '=');
        var name = (end < 0 ? rest : rest[..end]).ToLowerInvariant();
        if (name.Length == 0 || !char.IsAsciiLetter(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')) return null;
        if (end >= 0 && rest[end] == '=') return rest == word && rest.Length > end + 1 || name is not ("redirect" or "exp") ? new SpfTerm('=', name, rest[(end + 1)..].ToLowerInvariant(), 32, 128) : null;

        var value = end >= 0 && rest[end] == ':' ? rest[(end + 1)..] : null;
        var slashes = end >= 0 && rest[end] == '/' ? rest[end..] : "";
        if (value == "") return null;
        return name switch
        {
            "all" => value is null && slashes == "" ? new SpfTerm(qualifier, name, "", 0, 0) : null,
            "include" or "exists" => value is not null && !value.Contains('/') ? new SpfTerm(qualifier, name, value.ToLowerInvariant(), 32, 128) : null,
            "ptr" => slashes == "" ? new SpfTerm(qualifier, name, value?.ToLowerInvariant() ?? "", 32, 128) : null,
            "a" or "mx" => Host(qualifier, name, value, slashes),
            "ip4" => Address(qualifier, name, value, AddressFamily.InterNetwork, 32),
            "ip6" => Address(qualifier, name, value, AddressFamily.InterNetworkV6, 128),
            _ => null,
        };
    }

    /// <summary><c>a</c>, <c>a:host</c>, <c>a/24</c>, <c>a:host/24//64</c>.</summary>
    private static SpfTerm? Host(char qualifier, string name, string? value, string slashes)
    {
        if (value is not null && value.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash && !value.Contains('{')) (value, slashes) = (value[..slash], value[slash..]);
        if (value == "") return null;
        var (four, six) = (32, 128);
        if (slashes.IndexOf("//", StringComparison.Ordinal) is >= 0 and var both)
        {
            if (!Length(slashes[(both + 2)..], 128, out six)) return null;
            slashes = slashes[..both];
        }
        if (slashes != "" && !Length(slashes[1..], 32, out four)) return null;
        return new SpfTerm(qualifier, name, value?.ToLowerInvariant() ?? "", four, six);
    }

    private static SpfTerm? Address(char qualifier, string name, string? value, AddressFamily family, int bits)
    {
        var parts = value?.Split('/') ?? [];
        var length = bits;
        if (parts.Length is not (1 or 2) || !IPAddress.TryParse(parts[0], out var address) || address.AddressFamily != family) return null;
        if (family == AddressFamily.InterNetwork && parts[0].Count(c => c == '.') != 3) return null; // .NET takes "10.1" for 10.0.0.1
        if (parts.Length == 2 && !Length(parts[1], bits, out length)) return null;
        return new SpfTerm(qualifier, name, address.ToString(), length, length);
    }

    private static bool Length(string text, int most, out int length) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out length) && length <= most && (text.Length == 1 || text[0] != '0');

    private static string Shown(string word) => word.Length <= 60 ? word : word[..60] + "…";
}
