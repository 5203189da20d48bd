using System.Globalization;
using System.Net;
using MailFlow.Data;
using MailFlow.Engine.Facts;
using MailFlow.Journeys.Webhooks;

namespace MailFlow.Journeys.Facts;

/// <summary>What came of one call.</summary>
/// <param name="Status">The answer's status; null where there was none.</param>
/// <param name="LatencyMs">How long it took.</param>
/// <param name="Answer">The first of what the receiver said, or what went wrong, in plain words.</param>
/// <param name="Asked">How long the receiver asked to be left alone.</param>
/// <param name="IsFinal">Whether trying again would give the same.</param>
internal sealed record CallResult(int? Status, int LatencyMs, string Answer, TimeSpan? Asked = null, bool IsFinal = false)
{
    /// <summary>Whether the receiver has it.</summary>
    public bool IsTaken => Status is >= 200 and < 300;

    /// <summary>Whether the receiver wants nothing any more.</summary>
    public bool IsGone => Status == (int)HttpStatusCode.Gone;
}

/// <summary>Makes calls: signed, to addresses that may be called, no redirect followed.</summary>
internal sealed class SignedCall(GuardedHttpOptions options, ISecretBox box, TimeProvider time) : IDisposable
{
    /// <summary>How much of an answer's body is read, in octets.</summary>
    public const int KeptBytes = 2_000;

    private const int LongestAnswer = 500;
    private readonly GuardedHttp _http = new(options, time);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Makes one, at this instant of the database's clock; an answer that is not as wished is a result, not an exception.</summary>
    public async Task<CallResult> MakeAsync(Uri url, IReadOnlyList<string> sealedSecrets, Guid id, string type, long at, string data, DateTimeOffset now, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        try
        {
            var body = FactBody.Write(id, type, at, data);
            var answer = await _http.SendAsync(new GuardedRequest(HttpMethod.Post, url, body, "application/json", StandardWebhook.Headers(id, now, body, sealedSecrets.Select(box.Open))), ct);
            return new CallResult(answer.Status, Elapsed(), Clean(answer.Text), RetryAfter(answer, now));
        }
        catch (BlockedRequestException blocked)
        {
            return new CallResult(null, Elapsed(), blocked.Message, IsFinal: true);
        }
        catch (Exception failure) when (failure is HttpRequestException or TimeoutException)
        {
            return new CallResult(null, Elapsed(), Clean(failure.Message));
        }
        catch (SecretLostException)
        {
            return new CallResult(null, Elapsed(), "the endpoint's secret cannot be opened any more: rotate it");
        }

        int Elapsed() => (int)Math.Clamp(time.GetElapsedTime(started).TotalMilliseconds, 0, int.MaxValue);
    }

    private static TimeSpan? RetryAfter(GuardedResponse answer, DateTimeOffset now)
    {
        if (!answer.Headers.TryGetValue("Retry-After", out var text)) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds)
            : DateTimeOffset.TryParseExact(text, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var until) ? until - now
            : null;
    }

    /// <summary>Without what no database takes, and not too long: it is a stranger's text.</summary>
    private static string Clean(string text)
    {
        var kept = text.Length > LongestAnswer ? text[..LongestAnswer] : text;
        return string.Create(kept.Length, kept, (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
                to[i] = char.IsSurrogate(from[i]) ? '\ufffd' : char.IsControl(from[i]) ? ' ' : from[i];
        }).Trim();
    }
}
