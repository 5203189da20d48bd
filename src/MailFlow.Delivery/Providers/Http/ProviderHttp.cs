using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;

namespace MailFlow.Delivery.Providers.Http;

/// <summary>
/// Calls providers' APIs and says precisely what is known of each call. One for the process: connections are kept and shared; credentials are each request's own.
/// </summary>
internal sealed class ProviderHttp : IDisposable
{
    /// <summary>How long one call may take.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private const int LargestAnswer = 2 << 20;

    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _time;

    public ProviderHttp(TimeProvider time)
        : this(time, new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // An answer that is redirected is no answer of the API; and credentials go to no other host.
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            EnableMultipleHttp2Connections = true,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // Below the idle time of the providers' load balancers: a connection that they close under a request makes an unknown mail.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
            MaxResponseHeadersLength = 64,
        })
    {
    }

    internal ProviderHttp(TimeProvider time, HttpMessageHandler handler) => (_time, _http) = (time, new HttpMessageInvoker(handler));

    /// <summary>The clock.</summary>
    public DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>Posts a body.</summary>
    public Task<HttpOutcome> PostAsync(Uri url, byte[] body, string contentType, IReadOnlyList<(string Name, string Value)> headers, CancellationToken ct)
    {
        var content = new WatchedContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return CallAsync(HttpMethod.Post, url, content, headers, ct);
    }

    /// <summary>Asks; a look changes nothing, so its outcome is never about a mail that was sent by it.</summary>
    public Task<HttpOutcome> GetAsync(Uri url, IReadOnlyList<(string Name, string Value)> headers, CancellationToken ct) => CallAsync(HttpMethod.Get, url, null, headers, ct);

    public void Dispose() => _http.Dispose();

    private async Task<HttpOutcome> CallAsync(HttpMethod method, Uri url, WatchedContent? content, IReadOnlyList<(string Name, string Value)> headers, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, url) { Content = content, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var deadline = new CancellationTokenSource(Limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            return new HttpOutcome.Answered((int)response.StatusCode, response.Headers, await ReadAsync(response, either.Token));
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            var reason = error is OperationCanceledException
                ? deadline.IsCancellationRequested ? $"no answer within {Limit.TotalSeconds:0} seconds" : "the call was stopped before an answer came"
                : Words(error);
            return content is { IsLastOctetBegun: true } ? new HttpOutcome.Lost(reason) : new HttpOutcome.NotTaken(reason, IsOurs: ct.IsCancellationRequested);
        }
    }

    /// <summary>The whole body, or null when it breaks off, takes too long or is too long: the status is known all the same.</summary>
    private static async Task<byte[]?> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(ct);
            using var body = new MemoryStream();
            var buffer = new byte[16 * 1024];
            int read;
            while ((read = await stream.ReadAsync(buffer, ct)) > 0)
            {
                if (body.Length + read > LargestAnswer) return null;
                body.Write(buffer, 0, read);
            }
            return body.ToArray();
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    private static string Words(Exception error) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its address could not be looked up",
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => "no connection",
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } or { InnerException: AuthenticationException } => $"TLS failed: {error.InnerException?.Message ?? error.Message}",
        _ => $"the connection broke: {error.GetBaseException().Message}",
    };

    /// <summary>A body that knows whether its last octet was begun. Written again (an HTTP/2 server may refuse a stream before it reads it), it stays begun.</summary>
    private sealed class WatchedContent(byte[] octets) : HttpContent
    {
        public bool IsLastOctetBegun { get; private set; } = octets.Length == 0;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(octets.AsMemory(0, Math.Max(0, octets.Length - 1)), cancellationToken);
            IsLastOctetBegun = true;
            await stream.WriteAsync(octets.AsMemory(Math.Max(0, octets.Length - 1)), cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = octets.Length;
            return true;
        }
    }
}
