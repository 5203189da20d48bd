namespace MailFlow.Ingestion;

/// <summary>A broker's message as it came: nothing of it has been looked at.</summary>
/// <param name="Body">Its bytes, which hold good until the message is acknowledged.</param>
/// <param name="Origin">Where it came from.</param>
internal sealed record EventMessage(ReadOnlyMemory<byte> Body, MessageOrigin Origin);

/// <summary>Where a message came from, and so where its dead letter came from.</summary>
/// <param name="SentAt">When it was sent, where the broker knows.</param>
internal abstract record MessageOrigin(DateTimeOffset? SentAt)
{
    /// <summary>The headers that tell it to whoever reads a dead letter.</summary>
    public abstract IEnumerable<(string Name, string Value)> Headers { get; }
}
