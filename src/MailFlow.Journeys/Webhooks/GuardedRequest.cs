namespace MailFlow.Journeys.Webhooks;

/// <summary>One call to an address that a tenant has chosen.</summary>
/// <param name="Method">GET, POST, PUT, PATCH, DELETE or HEAD.</param>
/// <param name="Url">Absolute, http or https, without user name and password.</param>
/// <param name="Body">The octets to send; empty for none.</param>
/// <param name="ContentType">The body's type; <c>application/json; charset=utf-8</c> by default; a Content-Type among <paramref name="Headers"/> wins.</param>
/// <param name="Headers">Further headers. Those that frame the message (Host, Content-Length …) are refused.</param>
public sealed record GuardedRequest(
    HttpMethod Method,
    Uri Url,
    ReadOnlyMemory<byte> Body = default,
    string ContentType = "application/json; charset=utf-8",
    IReadOnlyList<KeyValuePair<string, string>>? Headers = null);

/// <summary>What came back.</summary>
/// <param name="Status">The HTTP status code; a redirect only when it named no place to go.</param>
/// <param name="Url">Where the answer came from, after redirects.</param>
/// <param name="Headers">The answer's headers, several values of one joined by commas; names compare without case.</param>
/// <param name="Body">The beginning of the body.</param>
/// <param name="IsTruncated">Whether the body went on.</param>
public sealed record GuardedResponse(
    int Status,
    Uri Url,
    IReadOnlyDictionary<string, string> Headers,
    ReadOnlyMemory<byte> Body,
    bool IsTruncated)
{
    /// <summary>Whether the status is 200–299.</summary>
    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>The kept part of the body read as UTF-8.</summary>
    public string Text => System.Text.Encoding.UTF8.GetString(Body.Span);
}
