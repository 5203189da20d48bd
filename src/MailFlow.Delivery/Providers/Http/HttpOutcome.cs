using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace MailFlow.Delivery.Providers.Http;

/// <summary>What is known after one call of a provider's API.</summary>
/// <remarks>
/// A server can only act on a request it has the whole of. So a call that broke before the last octet of its body was begun was certainly not taken, and one that broke after it
/// may have been; there is no third case.
/// </remarks>
internal abstract record HttpOutcome
{
    private HttpOutcome() { }

    /// <summary>It answered.</summary>
    /// <param name="Status">The status code.</param>
    /// <param name="Headers">The answer's headers.</param>
    /// <param name="Body">What it said; null when it broke off or is longer than any answer of an API.</param>
    internal sealed record Answered(int Status, HttpResponseHeaders Headers, byte[]? Body) : HttpOutcome
    {
        /// <summary>The body as JSON; null when it is none.</summary>
        public JsonElement? Json { get; } = Parse(Body);

        /// <summary>A member of the body that is a text or a number, as text.</summary>
        public string? Text(string name) => Json is { ValueKind: JsonValueKind.Object } json ? json.Text(name) : null;

        /// <summary>The body as a person may read it.</summary>
        public string Words => Body is null ? "" : OneLine(Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 2000))));

        /// <summary>How long the provider wants to be left alone: Retry-After in either form, or a header that holds the instant of the limit's end.</summary>
        public TimeSpan? RetryAfter(DateTimeOffset now, string? resetHeader = null)
        {
            var wait = Headers.RetryAfter is { } after ? after.Delta ?? after.Date - now
                : resetHeader is not null && Headers.TryGetValues(resetHeader, out var values)
                    && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var reset) && reset < 100_000_000_000
                    ? DateTimeOffset.FromUnixTimeSeconds(reset) - now
                    : null;
            return wait is null ? null : TimeSpan.FromSeconds(Math.Clamp(wait.Value.TotalSeconds, 0, TimeSpan.FromDays(1).TotalSeconds));
        }

        private static JsonElement? Parse(byte[]? body)
        {
            if (body is null) return null;
            try
            {
                using var document = JsonDocument.Parse(body);
                return document.RootElement.Clone();
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>The request did not get out whole: certainly not taken.</summary>
    /// <param name="Reason">In plain words.</param>
    /// <param name="IsOurs">Whether it was we who stopped it.</param>
    internal sealed record NotTaken(string Reason, bool IsOurs = false) : HttpOutcome;

    /// <summary>The request may be there whole, and no answer came.</summary>
    internal sealed record Lost(string Reason) : HttpOutcome;

    /// <summary>
    /// What it means for the mail: <paramref name="catalogue"/> where the provider's own list of answers knows it, otherwise the rules that hold for any API of this kind.
    /// </summary>
    public HandOver HandOver(string provider, DateTimeOffset now, Func<Answered, HandOver?> catalogue) => this switch
    {
        NotTaken notTaken => new HandOver.Deferred($"{provider}: {notTaken.Reason}", IsProviders: !notTaken.IsOurs),
        Lost lost => new HandOver.Unknown($"{provider}: {lost.Reason}"),
        Answered answered => catalogue(answered) ?? ByStatus(provider, answered, now),
        _ => throw new InvalidOperationException($"'{GetType().Name}' is not an outcome."),
    };

    private static HandOver ByStatus(string provider, Answered answered, DateTimeOffset now)
    {
        var words = $"{provider}: {answered.Status} {answered.Words}".TrimEnd();
        return answered.Status switch
        {
            408 or (>= 300 and < 400) => new HandOver.Deferred(words, IsProviders: true),
            429 => new HandOver.Deferred(words, answered.RetryAfter(now), IsProviders: true),
            401 or 403 => new HandOver.SenderFault(words, FaultScope.Connection),
            >= 400 and < 500 => new HandOver.Rejected(words),
            // A 2xx that is not in the catalogue, a gateway's 502 or 504, a 500: something may have happened behind it.
            _ => new HandOver.Unknown(words),
        };
    }

    /// <summary>At most 500 characters on one line: a provider's words end up in the ledger and on a screen.</summary>
    internal static string OneLine(string text)
    {
        var line = new StringBuilder(Math.Min(text.Length, 500));
        foreach (var c in text.Trim())
        {
            if (line.Length == 500) break;
            line.Append(char.IsControl(c) ? ' ' : c);
        }
        if (line.Length > 0 && char.IsHighSurrogate(line[^1])) line.Length--;
        return line.ToString();
    }
}
