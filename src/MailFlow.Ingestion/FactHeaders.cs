namespace MailFlow.Ingestion;

/// <summary>What a broker's message with a fact says outside of its body, so that a consumer can choose and recognise without reading it.</summary>
internal static class FactHeaders
{
    /// <summary>The fact's id: a fact that comes twice has the same.</summary>
    public const string Id = "mailflow-fact-id";

    /// <summary>Its type.</summary>
    public const string Type = "mailflow-fact-type";
}
