using System.Globalization;
using System.Text;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Journeys.Webhooks;

namespace MailFlow.Journeys.Activities;

/// <summary>
/// Calls a web address and goes on with its answer. Tried again with back-off where trying again can help: no connection, no answer in time,
/// 408, 429 and 5xx (a <c>Retry-After</c> is honoured, up to a day). Any other answer but 2xx fails at once, as does an address that must not be called.
/// </summary>
/// <remarks>A call may arrive more than once; <c>Idempotency-Key</c> is the same each time.</remarks>
[Activity("MailFlow.CallWebhook", Category = "Integrations", DisplayName = "Call webhook", Outcomes = ["Done", "Failed"],
    Description = "Tells another system about this contact, and waits for its answer.")]
public sealed class CallWebhook(GuardedHttp http, WebhookOptions options) : JobActivity<CallWebhook.Input>
{
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    /// <summary>The form in the designer.</summary>
    public sealed record Input(
        [Input("The address, http or https.")] string Url,
        [Input("GET, POST, PUT, PATCH or DELETE.", Choices = ["GET", "POST", "PUT", "PATCH", "DELETE"])] string Method = "POST",
        [Input("An object, sent as JSON, or text; empty: the contact, the event and the journey as JSON.", Hint = "multiline")] object? Body = null,
        [Input("Further headers, by name.", Hint = "dictionary")] IReadOnlyDictionary<string, string>? Headers = null) : ICheckedInput
    {
        string? ICheckedInput.Problem() => CallWebhook.Problem(this);
    }

    /// <inheritdoc/>
    protected override Input Prepare(Input input, Step step) => input with
    {
        Body = input.Body switch
        {
            null or "" when IsBodiless(input.Method) => null,
            null or "" => JsonData.Write(About(step)),
            string text => text,
            var value => JsonData.Write(value),
        },
    };

    /// <inheritdoc/>
    protected override async Task<JobResult> RunAsync(Input input, Job job, CancellationToken ct)
    {
        if (!Uri.TryCreate(input.Url.Trim(), UriKind.Absolute, out var url)) return JobResult.Complete("Failed", $"'{input.Url}' is not an address");
        try
        {
            return Judge(await http.SendAsync(Request(input, url, job), ct), url, job);
        }
        catch (BlockedRequestException blocked)
        {
            return JobResult.Complete("Failed", blocked.Message);
        }
        catch (Exception failure) when (failure is HttpRequestException or TimeoutException)
        {
            return JobResult.Retry($"{url.Host}: {failure.Message}");
        }
    }

    /// <summary>What is wrong with the inputs, whatever the contact; null when nothing is.</summary>
    internal static string? Problem(Input input)
    {
        if (!Uri.TryCreate(input.Url.Trim(), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")) return $"url: '{input.Url}' is not an http or https address";
        return input.Method.Trim().ToUpperInvariant() is "GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD" ? null : $"method: '{input.Method}' is none of GET, POST, PUT, PATCH and DELETE";
    }

    private GuardedRequest Request(Input input, Uri url, Job job)
    {
        // Kept as JSON between attempts, the text comes back as an element.
        var text = input.Body is JsonElement element ? element.GetString() : input.Body as string;
        var body = Encoding.UTF8.GetBytes(text ?? "");
        var headers = new List<KeyValuePair<string, string>>(input.Headers ?? new Dictionary<string, string>());
        // Ours come last and alone: a definition cannot forge the signature or the key.
        headers.RemoveAll(header => header.Key.Equals("Idempotency-Key", StringComparison.OrdinalIgnoreCase) || header.Key.Equals(WebhookSignature.Header, StringComparison.OrdinalIgnoreCase));
        headers.Add(new("Idempotency-Key", job.Key.ToString()));
        if (options.SecretsOf(job.AccountId) is { Count: > 0 } secrets)
            headers.Add(new(WebhookSignature.Header, WebhookSignature.Sign(body, job.Now, [.. secrets])));
        if (!headers.Exists(header => header.Key.Equals("User-Agent", StringComparison.OrdinalIgnoreCase))) headers.Add(new("User-Agent", "MailFlow"));
        var contentType = text is ['{' or '[', ..] ? "application/json; charset=utf-8" : "text/plain; charset=utf-8";
        return new GuardedRequest(new HttpMethod(input.Method.Trim().ToUpperInvariant()), url, body, contentType, headers);
    }

    private static JobResult Judge(GuardedResponse answer, Uri url, Job job)
    {
        var words = $"{url.Host} answered {answer.Status}";
        if (answer.IsSuccess) return JobResult.Complete("Done", words);
        return answer.Status is 408 or 429 or >= 500
            ? JobResult.Retry(words, RetryAfter(answer, job.Now))
            : JobResult.Complete("Failed", words);
    }

    private static TimeSpan? RetryAfter(GuardedResponse answer, DateTimeOffset now)
    {
        if (!answer.Headers.TryGetValue("Retry-After", out var text)) return null;
        TimeSpan? after = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(Math.Min(seconds, (long)LongestRetryAfter.TotalSeconds))
            : DateTimeOffset.TryParseExact(text, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at - now
            : null;
        return after is { } given ? TimeSpan.FromTicks(Math.Clamp(given.Ticks, 0, LongestRetryAfter.Ticks)) : null;
    }

    private static Dictionary<string, object?> About(Step step) => new()
    {
        ["contact"] = step.Contact.Fields,
        ["event"] = step.Event,
        ["journey"] = new Dictionary<string, object?> { ["id"] = step.Journey.DefinitionId, ["version"] = step.Journey.Version, ["name"] = step.Journey.Name },
        ["activity_id"] = step.ActivityId,
        ["instance_id"] = step.InstanceId,
    };

    private static bool IsBodiless(string method) => method.Trim().ToUpperInvariant() is "GET" or "HEAD" or "DELETE";
}
