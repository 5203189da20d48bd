using System.Security.Cryptography;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>DKIM (RFC 6376): whether a receiver finds the key that the domain's mail is signed with.</summary>
internal static class DkimCheck
{
    public const string Name = "dkim";

    private const int LeastBits = 1024, WantedBits = 2048;

    /// <summary>The check, and whether the key that waits can be used from now on.</summary>
    public static async Task<(DomainCheck Check, bool NextIsThere)> RunAsync(CheckContext context, CancellationToken ct)
    {
        var (dkim, next) = (context.Domain.Dkim, context.Domain.NextDkim);
        if (next is not null)
        {
            var check = await RunAsync(context, next, ct);
            if (check.State is CheckState.Pass or CheckState.Warning) return (check, true);
            if (dkim is null) return (check, false);
            var current = await RunAsync(context, dkim, ct);
            return (current with
            {
                Meaning = $"{current.Meaning} The new key “{next.Selector}” waits: {check.Meaning}",
                Fix = current.Fix ?? check.Fix,
                Records = [.. current.Records, .. check.Records],
            }, false);
        }
        if (dkim is null)
            return (DomainCheck.Skipped(Name, "We do not know what signs this domain's mail, so there is nothing to look for.",
                "If your provider signs, name its selector here (it is the part before “._domainkey” in the record it had you publish). If you send by SMTP, have a key made here."), false);
        return (await RunAsync(context, dkim, ct), false);
    }

    private static async Task<DomainCheck> RunAsync(CheckContext context, DkimIdentity dkim, CancellationToken ct)
    {
        var answer = await context.Dns.QueryAsync(dkim.Record.Name, DnsType.Txt, ct);
        if (!answer.IsKnown) return CheckContext.Unknown(Name, answer);
        var records = answer.Records.Select(txt => txt.Text).ToList();
        IReadOnlyList<DnsAdvice> publish = dkim.Ours ? [dkim.Record] : [];
        var ask = dkim.Ours ? "Publish this record. It is longer than 255 characters: some DNS consoles want it in several quoted strings, most split it themselves."
            : $"Publish the record that your provider shows for the selector “{dkim.Selector}”, or correct the selector here.";
        if (records.Count == 0) return Failed($"There is no key at {dkim.Record.Name}: receivers cannot verify a single signature, and mail counts as unsigned.", ask);
        if (records.Count > 1) return Failed($"There are {records.Count} records at {dkim.Record.Name}; which of them a receiver takes is chance.", "Delete all but the right one.");

        var tags = TagList.Parse(records[0]);
        if (tags is null || (tags.GetValueOrDefault("v") is { } version && version != "DKIM1") || !tags.TryGetValue("p", out var key)) return Failed("What stands there is no DKIM key.", ask);
        if (key == "") return Failed("The key there is empty: that means it was revoked.", ask);
        if (tags.GetValueOrDefault("h") is { } hashes && !hashes.Split(':', StringSplitOptions.TrimEntries).Contains("sha256")) return Failed("The record forbids SHA-256, the hash that all mail is signed with today.", "Remove the tag “h=”.");
        var kind = tags.GetValueOrDefault("k") ?? "rsa";
        var bare = string.Concat(key.Where(c => !char.IsWhiteSpace(c)));
        if (kind == "ed25519" && !dkim.Ours) return DomainCheck.Passed(Name, records, "There is an Ed25519 key. It is strong; receivers that do not know its kind want an RSA key beside it, under another selector.");
        if (kind != "rsa" || RsaBits(bare) is not { } bits) return Failed($"The key there cannot be read as a key of the kind “{kind}”.", ask);
        if (dkim.Ours && bare != OwnKey(dkim)) return Failed("The key there is not the one that we sign with: every signature fails.", ask);
        if (bits < LeastBits) return Failed($"The key has {bits} bits. Receivers ignore signatures by keys under {LeastBits}.", $"Use a key of {WantedBits} bits.");
        if (bits < WantedBits) return new(Name, CheckState.Warning, records, $"The key has {bits} bits. It works, and can be broken by those with much money; Gmail advises {WantedBits}.", $"Use a key of {WantedBits} bits.", []);
        if (tags.GetValueOrDefault("t")?.Split(':', StringSplitOptions.TrimEntries).Contains("y") == true)
            return new(Name, CheckState.Warning, records, "The record says that the domain is testing DKIM (t=y); receivers may then ignore signatures.", "Remove “t=y”.", publish);
        return DomainCheck.Passed(Name, records, $"Receivers find the key ({bits} bits){(dkim.Ours ? ", and it is the one we sign with" : "")}.");

        DomainCheck Failed(string meaning, string fix) => new(Name, CheckState.Fail, records, meaning, fix, publish);
    }

    private static string OwnKey(DkimIdentity dkim) => TagList.Parse(dkim.Record.Value)!["p"];

    private static int? RsaBits(string base64)
    {
        using var rsa = RSA.Create();
        try
        {
            var octets = Convert.FromBase64String(base64);
            try
            {
                rsa.ImportSubjectPublicKeyInfo(octets, out _);
            }
            catch (CryptographicException)
            {
                rsa.ImportRSAPublicKey(octets, out _); // what the RFC's text, if not its examples, asks for
            }
            return rsa.KeySize;
        }
        catch (Exception error) when (error is FormatException or CryptographicException)
        {
            return null;
        }
    }
}
