using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Server.Access;

namespace MailFlow.Server.Http;

/// <summary>Marks an endpoint whose answer must not be kept, because it holds a secret, or whose body is too long to be looked at twice.</summary>
internal sealed record NeverReplayed;

/// <summary>
/// A POST with an <c>Idempotency-Key</c> is done once: the same request again is given the first one's answer, for a day.
/// The answer is kept after the work was committed, so a crash between the two lets a repeat run once more after a minute;
/// what must not happen twice even then (events, starts) has keys of its own.
/// </summary>
internal sealed class Idempotency(RequestDelegate next, Database database)
{
    private const int LongestKey = 200;
    private const long KeptMs = 24 * 3600_000L, GivenUpMs = 60_000;

    /// <summary>An answer may tell of a person: it goes though nobody asks with a key again.</summary>
    public static RetentionRule Kept { get; } = new("answers to idempotency keys", TimeSpan.FromMilliseconds(KeptMs), """
        DELETE FROM idempotency_key WHERE (account_id, key) IN (SELECT account_id, key FROM idempotency_key WHERE created_at < @before LIMIT @chunk)
        """);

    public async Task InvokeAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method) || context.User.Identity?.IsAuthenticated != true
            || context.Request.Headers["Idempotency-Key"] is not [{ Length: > 0 } key] || IsNeverReplayed(context.GetEndpoint()))
        {
            await next(context);
            return;
        }
        if (key.Length > LongestKey) throw new InvalidInputException("Idempotency-Key", $"is longer than {LongestKey} characters");

        using var body = await RequestBody.ReadAsync(context);
        var caller = Caller.Of(context);
        var request = new Request(caller.AccountId, key, HashOf(context.Request, caller, body));
        if (await database.WriteAsync(session => BeginAsync(session, request, context.RequestAborted), context.RequestAborted) is { } kept)
        {
            await ReplayAsync(context, kept);
            return;
        }
        await RunAsync(context, request, body);
    }

    /// <summary>What only looks can be done again, and to whom what is shown is asked each time.</summary>
    private static bool IsNeverReplayed(Endpoint? endpoint) => endpoint is not null
        && (endpoint.Metadata.GetMetadata<NeverReplayed>() is not null
            || (endpoint.Metadata.GetOrderedMetadata<ScopeNeeded>() is { Count: > 0 } needed && needed.All(scope => Scopes.Reads(scope.Scope))));

    private async Task RunAsync(HttpContext context, Request request, RequestBody body)
    {
        var (requestStream, responseStream) = (context.Request.Body, context.Response.Body);
        using var answer = new MemoryStream();
        var done = false;
        try
        {
            context.Request.Body = new MemoryStream(body.Bytes.ToArray());
            context.Response.Body = answer;
            await next(context);
            // What may go better next time is not kept.
            done = context.Response.StatusCode is < 500 and not (409 or 429);
        }
        finally
        {
            (context.Request.Body, context.Response.Body) = (requestStream, responseStream);
            if (done) await KeepAsync(request, new Answer(context.Response.StatusCode, context.Response.ContentType, answer.ToArray()));
            else await ForgetAsync(request);
        }
        answer.Position = 0;
        await answer.CopyToAsync(responseStream, context.RequestAborted);
    }

    private static async Task ReplayAsync(HttpContext context, Answer kept)
    {
        context.Response.StatusCode = kept.Status;
        context.Response.ContentType = kept.ContentType;
        context.Response.Headers["Idempotent-Replayed"] = "true";
        await context.Response.Body.WriteAsync(kept.Body, context.RequestAborted);
    }

    /// <summary>Claims the key; gives the kept answer when the same request was answered before.</summary>
    private static async Task<Answer?> BeginAsync(Session session, Request request, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        await session.ExecuteAsync("DELETE FROM idempotency_key WHERE account_id = @account AND key = @key AND (created_at < @old OR (status IS NULL AND created_at < @given_up))", ct,
            ("account", request.AccountId), ("key", request.Key), ("old", now - KeptMs), ("given_up", now - GivenUpMs));
        var claimed = await session.ExecuteAsync("""
            INSERT INTO idempotency_key (account_id, key, request_hash, created_at) VALUES (@account, @key, @hash, @now) ON CONFLICT DO NOTHING
            """, ct, ("account", request.AccountId), ("key", request.Key), ("hash", request.Hash), ("now", now));
        if (claimed == 1) return null;

        var found = await session.FirstAsync("SELECT request_hash, status, content_type, body FROM idempotency_key WHERE account_id = @account AND key = @key",
            row => (Hash: row.Bytes(0), Status: row.IntOrNull(1), Type: row.TextOrNull(2), Body: row.BytesOrNull(3)), ct, ("account", request.AccountId), ("key", request.Key));
        if (found.Hash is null || (found.Status is null && found.Hash.AsSpan().SequenceEqual(request.Hash)))
            throw new HttpProblem(409, "The same request is still being worked on.", TimeSpan.FromSeconds(1));
        if (!found.Hash.AsSpan().SequenceEqual(request.Hash))
            throw new HttpProblem(422, "This Idempotency-Key was used with another request.");
        return new Answer(found.Status!.Value, found.Type, found.Body ?? []);
    }

    // The work is done: its answer is kept even when the caller has gone.
    private Task<int> KeepAsync(Request request, Answer answer) => database.WriteAsync(session => session.ExecuteAsync("""
        UPDATE idempotency_key SET status = @status, content_type = @type, body = @body WHERE account_id = @account AND key = @key
        """, CancellationToken.None, ("status", answer.Status), ("type", answer.ContentType), ("body", answer.Body),
        ("account", request.AccountId), ("key", request.Key)), CancellationToken.None);

    private Task<int> ForgetAsync(Request request) => database.WriteAsync(session => session.ExecuteAsync(
        "DELETE FROM idempotency_key WHERE account_id = @account AND key = @key", CancellationToken.None,
        ("account", request.AccountId), ("key", request.Key)), CancellationToken.None);

    /// <summary>Of the request and of what its caller may do, on which the answer may depend; not of who it is: a key may be replaced between two tries.</summary>
    private static byte[] HashOf(HttpRequest request, Caller caller, RequestBody body)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var address = Encoding.UTF8.GetBytes($"{string.Join(' ', caller.Scopes.Order(StringComparer.Ordinal))}\n{request.Path}{request.QueryString.Value}");
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, address.Length);
        sha.AppendData(length);
        sha.AppendData(address);
        sha.AppendData(body.Bytes.Span);
        return sha.GetHashAndReset();
    }

    private sealed record Request(int AccountId, string Key, byte[] Hash);

    private sealed record Answer(int Status, string? ContentType, byte[] Body);
}
