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
