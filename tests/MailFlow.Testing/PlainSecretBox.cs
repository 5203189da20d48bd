using MailFlow.Data;

namespace MailFlow.Testing;

/// <summary>For stores' tests: sealed is marked, not hidden, so that a test sees that nothing was stored as it came.</summary>
public sealed class PlainSecretBox : ISecretBox
{
    private const string Mark = "sealed:";

    /// <inheritdoc/>
    public string Seal(string secret) => Mark + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(secret));

    /// <inheritdoc/>
    public string Open(string stored) => stored.StartsWith(Mark, StringComparison.Ordinal)
        ? System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(stored[Mark.Length..]))
        : throw new SecretLostException(null);
}
