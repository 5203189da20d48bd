namespace MailFlow.Content;

/// <summary>A mail that cannot be made. The message says why in plain words: the sender keeps it as the reason of the rejected message.</summary>
public sealed class RenderException(string message, Exception? inner = null) : Exception(message, inner);
