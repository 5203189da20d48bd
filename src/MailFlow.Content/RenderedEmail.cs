namespace MailFlow.Content;

/// <summary>A mail ready to be sent.</summary>
/// <param name="Subject">One line, never empty.</param>
/// <param name="Html">The HTML part.</param>
/// <param name="Text">The plain text part.</param>
/// <param name="MissingVariables">The variables that were put out but had no value, each once.</param>
public sealed record RenderedEmail(string Subject, string Html, string Text, IReadOnlyList<string> MissingVariables)
{
    /// <summary>Whether a link's address was replaced by <c>#</c>, because a value gave it a scheme that mail may not link to (<c>javascript:</c>).</summary>
    public bool ReplacedUnsafeLink { get; init; }
}
