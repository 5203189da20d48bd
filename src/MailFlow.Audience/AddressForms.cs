using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MailFlow.Data;

namespace MailFlow.Audience;

/// <summary>The forms under which an address may be suppressed.</summary>
/// <param name="Address">The address itself, in the form of <see cref="EmailAddress.MailboxKey"/>.</param>
/// <param name="Domain">Its whole domain: <c>@example.org</c>.</param>
/// <param name="Hash">What is left of it when its contact was erased: <c>#</c> and a keyed hash, which nobody can read an address from.</param>
internal sealed record AddressForms(string Address, string Domain, string Hash);

/// <summary>Makes the forms of addresses. The key of the hashes is the installation's, made by the schema, and never changes: a new one would forget whom it must not mail.</summary>
internal sealed class AddressHashes
{
    private byte[]? _key;

    /// <summary>The forms of an address, whatever its case.</summary>
    public async ValueTask<AddressForms> FormsAsync(Session session, int accountId, string address, CancellationToken ct)
    {
        if (address.StartsWith('#') && !address.Contains('@')) return new(address, address, address); // what is left of an erased one, as lists show it
        var key = await KeyAsync(session, ct);
        return Forms(key, accountId, EmailAddress.MailboxKey(address));
    }

    /// <summary>The forms of many addresses.</summary>
    public async ValueTask<IReadOnlyList<AddressForms>> FormsAsync(Session session, int accountId, IEnumerable<string> addresses, CancellationToken ct)
    {
        var key = await KeyAsync(session, ct);
        return [.. addresses.Select(address => Forms(key, accountId, EmailAddress.MailboxKey(address)))];
    }

    /// <summary>A keyed hash of any text about a person: tells whether two are the same, and no more.</summary>
    public async ValueTask<string> HashAsync(Session session, int accountId, string text, CancellationToken ct) => Hash(await KeyAsync(session, ct), accountId, text);

    private static AddressForms Forms(byte[] key, int accountId, string address) =>
        new(address, address[Math.Max(0, address.LastIndexOf('@'))..], Hash(key, accountId, address));

    /// <summary>The account is part of it, so that two accounts' lists cannot be compared.</summary>
    private static string Hash(byte[] key, int accountId, string text) =>
        "#" + Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{accountId}\n{text}")));

    private async ValueTask<byte[]> KeyAsync(Session session, CancellationToken ct) =>
        _key ??= await session.FirstAsync("SELECT secret FROM address_key WHERE id = 1", row => row.Bytes(0), ct)
            ?? throw new InvalidOperationException("The key that addresses are hashed with is gone from the database: restore table address_key from a backup.");
}
