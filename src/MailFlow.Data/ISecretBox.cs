namespace MailFlow.Data;

/// <summary>Seals what the database must keep and nobody who reads the database may know: a provider's API key, a private key that signs mail.</summary>
public interface ISecretBox
{
    /// <summary>What may be stored in place of the secret.</summary>
    string Seal(string secret);

    /// <summary>The secret that was sealed.</summary>
    /// <exception cref="SecretLostException">It was not sealed here, was changed, or the key it was sealed with is gone.</exception>
    string Open(string stored);
}

/// <summary>A stored secret cannot be read any more: it must be given anew.</summary>
public sealed class SecretLostException(Exception? cause) : Exception("A stored secret cannot be opened: the key it was sealed with is gone, or it was changed. Give it anew.", cause);

/// <summary>Of a process that keeps no secrets, such as a simulation.</summary>
public sealed class NoSecretBox : ISecretBox
{
    /// <inheritdoc/>
    public string Seal(string secret) => throw new InvalidOperationException("This process keeps no secrets: it was given nothing to seal them with.");

    /// <inheritdoc/>
    public string Open(string stored) => throw new SecretLostException(null);
}
