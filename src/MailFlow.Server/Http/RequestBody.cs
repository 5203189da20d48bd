using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using MailFlow.Data;

namespace MailFlow.Server.Http;

/// <summary>The bytes of a JSON request, in a rented buffer: given back on disposal.</summary>
internal sealed class RequestBody : IDisposable
{
    /// <summary>The most bytes a request may have.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>What a 415 says.</summary>
    public const string NotJson = "Send JSON, with the header 'Content-Type: application/json'.";

    /// <summary>What a 413 says.</summary>
    public static readonly string TooLarge = $"A request is at most {MaxBytes / 1024 / 1024} MB.";

    private byte[] _buffer;
    private int _length;

    private RequestBody(int capacity) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads the whole body. Throws 415 for what does not call itself JSON, 413 beyond <see cref="MaxBytes"/>, 400 for what is not UTF-8.</summary>
    /// <param name="context">The request.</param>
    /// <param name="mayBeEmpty">Whether nothing at all is good too, of any content type.</param>
    public static async Task<RequestBody> ReadJsonAsync(HttpContext context, bool mayBeEmpty = false)
    {
        if (!mayBeEmpty && !context.Request.HasJsonContentType()) throw new HttpProblem(415, NotJson);
        var body = await ReadAsync(context);
        try
        {
            if (mayBeEmpty && body._length == 0) return body;
            if (!context.Request.HasJsonContentType()) throw new HttpProblem(415, NotJson);
            if (body._length == 0) throw new HttpProblem(400, "The body is empty; it must be JSON.");
            if (!Utf8.IsValid(body.Bytes.Span)) throw new HttpProblem(400, "The body is not valid UTF-8.");
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Reads the whole body, whatever it is. Throws 413 beyond <paramref name="most"/> bytes.</summary>
    public static async Task<RequestBody> ReadAsync(HttpContext context, int most = MaxBytes)
    {
        var expected = context.Request.ContentLength;
        var body = new RequestBody(expected > 0 && expected <= most ? (int)expected + 1 : 16 * 1024);
        try
        {
            var stream = context.Request.Body;
            while (true)
            {
                if (body._length == body._buffer.Length) body.Grow();
                var read = await stream.ReadAsync(body._buffer.AsMemory(body._length), context.RequestAborted);
                if (read == 0) return body;
                body._length += read;
                if (body._length <= most) continue;
                // A client that is still writing would see a broken connection instead of the answer: read on (the server's own limit ends it).
                while (await stream.ReadAsync(body._buffer, context.RequestAborted) > 0) { }
                throw new HttpProblem(413, most == MaxBytes ? TooLarge : $"A call is at most {most / 1024 / 1024} MB.");
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Parses it as JSON. The document reads from these bytes.</summary>
    public JsonDocument Parse() => JsonDocument.Parse(Bytes);

    /// <summary>Reads it as <typeparamref name="T"/>. Throws where it is not, or holds text that no database takes.</summary>
    public T Read<T>()
    {
        ForbiddenText.ThrowIfIn(Bytes);
        try
        {
            return JsonSerializer.Deserialize<T>(Bytes.Span, ApiJson.Strict) ?? throw new HttpProblem(400, "The body must be a JSON object, not null.");
        }
        catch (JsonException error) when (KnownMembers.ChoicesAt<T>(error.Path) is { } choices)
        {
            throw new InvalidInputException(BadJson.FieldOf(error.Path!), $"must be {choices}");
        }
    }

    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _length) = ([], 0);
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
