using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using MailFlow.Data;

namespace MailFlow.Journeys.Webhooks;

/// <summary>
/// HTTP to addresses that tenants choose. It cannot be led into our own network: the address is judged where the
/// connection is made, after look-up, for the first URL and for every redirect, so a name that changes its address
/// between check and use (DNS rebinding) gains nothing.
/// </summary>
/// <remarks>Thread-safe; one for the process. It keeps no cookies, uses no proxy and sends no trace headers.</remarks>
public sealed class GuardedHttp : IDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);

    /// <summary>Headers that frame the message or speak to the next hop: not the tenant's to set.</summary>
    private static readonly HashSet<string> Framing = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect",
        "Proxy-Authorization", "Proxy-Connection",
    };

    /// <summary>All that a redirect to another origin is told. A list of what to keep: a key may hide in any other header.</summary>
    private static readonly HashSet<string> KeptAcrossOrigins = new(StringComparer.OrdinalIgnoreCase) { "Accept", "Accept-Language", "Content-Type", "User-Agent" };

    private readonly GuardedHttpOptions _options;
    private readonly AllowedTargets _allowed;
    private readonly TimeProvider _time;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly HttpMessageInvoker _http;

    /// <exception cref="ArgumentException">The options cannot be used; the message names each field.</exception>
    public GuardedHttp(GuardedHttpOptions options, TimeProvider time)
        : this(options, time, (host, ct) => Dns.GetHostAddressesAsync(host, ct))
    {
    }

    internal GuardedHttp(GuardedHttpOptions options, TimeProvider time, Func<string, CancellationToken, Task<IPAddress[]>> resolve)
    {
        if (options.Validate() is { Count: > 0 } errors)
            throw new ArgumentException(string.Join(' ', errors), nameof(options));
        (_options, _time, _resolve) = (options, time, resolve);
        _allowed = new AllowedTargets(options.AllowedTargets);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = ConnectLimit,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            // Not decompressed: a small answer must not become a large one.
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator(),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = 32,
            MaxResponseDrainSize = 0,
        });
    }

    /// <summary>Makes one call and follows its redirects.</summary>
    /// <exception cref="BlockedRequestException">The URL, a header, the body's size, the address or a redirect is not allowed.</exception>
    /// <exception cref="TimeoutException">No whole answer came in time; the call may have been received.</exception>
    /// <exception cref="HttpRequestException">No connection, or it broke, or the answer is not HTTP.</exception>
    public async Task<GuardedResponse> SendAsync(GuardedRequest request, CancellationToken ct)
    {
        Check(request);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(_options.TimeoutSeconds), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            return await FollowAsync(request, either.Token);
        }
        catch (HttpRequestException failure) when (failure.InnerException is BlockedAddressException blocked)
        {
            // Named anew: the exception that crossed the connection pool may be shared by several calls.
            throw new BlockedAddressException(blocked.Host, blocked.Reason);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException(deadline.IsCancellationRequested
                ? $"No answer from {request.Url.Host} within {_options.TimeoutSeconds} s."
                : $"No connection to {request.Url.Host} within {ConnectLimit.TotalSeconds} s.");
        }
        catch (IOException broken)
        {
            throw new HttpRequestException($"The answer from {request.Url.Host} broke off.", broken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<GuardedResponse> FollowAsync(GuardedRequest request, CancellationToken ct)
    {
        for (var redirects = 0; ; redirects++)
        {
            using var message = Message(request);
            using var response = await _http.SendAsync(message, ct);
            if (_options.MaxRedirects == 0 || !IsRedirect(response.StatusCode) || response.Headers.Location is not { } location)
                return await ReadAsync(response, request.Url, ct);
            if (redirects == _options.MaxRedirects)
                throw new BlockedRequestException($"{request.Url.Host} redirects more than {_options.MaxRedirects} times.");
            request = Redirected(request, response.StatusCode, location);
        }
    }

    private static bool IsRedirect(HttpStatusCode status) => (int)status is 301 or 302 or 303 or 307 or 308;

    internal static GuardedRequest Redirected(GuardedRequest request, HttpStatusCode status, Uri location)
    {
        var next = request with { Url = location.IsAbsoluteUri ? location : new Uri(request.Url, location) };
        CheckUrl(next.Url);
        if (request.Url.Scheme == Uri.UriSchemeHttps && next.Url.Scheme == Uri.UriSchemeHttp)
            throw new BlockedRequestException($"{request.Url.Host} redirects from https to http, which would lay the call open.");

        // RFC 9110 §15.4: 307 and 308 repeat the call; the older ones turn all but a look into a look.
        if ((int)status is not (307 or 308) && request.Method != HttpMethod.Head && request.Method != HttpMethod.Get)
            next = next with { Method = HttpMethod.Get, Body = default };
        var sameOrigin = Uri.Compare(request.Url, next.Url, UriComponents.SchemeAndServer | UriComponents.StrongPort, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;
        return sameOrigin ? next : next with { Headers = request.Headers?.Where(header => KeptAcrossOrigins.Contains(header.Key)).ToList() };
    }

    private void Check(GuardedRequest request)
    {
        CheckUrl(request.Url);
        if (request.Body.Length > _options.MaxRequestBytes)
            throw new BlockedRequestException($"The body has {request.Body.Length} octets, over the {_options.MaxRequestBytes} that may be sent.");
        if (request.Method.Method is not ("GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD"))
            throw new BlockedRequestException($"The method {request.Method} is not allowed.");
        foreach (var (name, value) in request.Headers ?? [])
        {
            if (Framing.Contains(name))
                throw new BlockedRequestException($"The header {name} is not the caller's to set.");
            if (name.Length == 0 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-.^_`|~".Contains(c)))
                throw new BlockedRequestException($"A header's name is not well formed.");
            if (value.Any(c => c is < ' ' and not '\t' or '\x7f'))
                throw new BlockedRequestException($"The header {name} holds a line break or another control character.");
        }

        if (!MediaTypeHeaderValue.TryParse(ContentType(request), out _))
            throw new BlockedRequestException("The content type is not well formed.");
    }

    private static void CheckUrl(Uri url)
    {
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
            throw new BlockedRequestException($"Only http and https are called{(url.IsAbsoluteUri ? $", not {url.Scheme}" : "")}.");
        if (url.UserInfo.Length > 0)
            throw new BlockedRequestException("A user name or password does not belong in the URL; use the Authorization header.");
        if (url.Host.Length == 0)
            throw new BlockedRequestException("The URL names no host.");
    }

    private static HttpRequestMessage Message(GuardedRequest request)
    {
        var message = new HttpRequestMessage(request.Method, request.Url);
        if (!request.Body.IsEmpty)
        {
            message.Content = new ReadOnlyMemoryContent(request.Body);
            message.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(ContentType(request));
        }

        foreach (var (name, value) in request.Headers ?? [])
        {
            if (!IsContentType(name) && !message.Headers.TryAddWithoutValidation(name, value))
                message.Content?.Headers.TryAddWithoutValidation(name, value);
        }

        return message;
    }

    /// <summary>The header wins over the record's default: who writes headers in the designer writes this one there too.</summary>
    private static string ContentType(GuardedRequest request) =>
        request.Headers?.LastOrDefault(header => IsContentType(header.Key)).Value ?? request.ContentType;

    private static bool IsContentType(string name) => name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase);

    private async Task<GuardedResponse> ReadAsync(HttpResponseMessage response, Uri url, CancellationToken ct)
    {
        var kept = new byte[_options.KeptResponseBytes + 1];
        await using var body = await response.Content.ReadAsStreamAsync(ct);
        var length = await body.ReadAtLeastAsync(kept, kept.Length, throwOnEndOfStream: false, ct);
        var truncated = length > _options.KeptResponseBytes;
        return new GuardedResponse((int)response.StatusCode, url,
            response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase),
            kept.AsMemory(0, truncated ? _options.KeptResponseBytes : length), truncated);
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var host = context.DnsEndPoint.Host;
        var named = _allowed.Contains(host);
        IPAddress[] addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await _resolve(host, ct);
        string? reason = null;
        Exception? failure = null;
        // IPv4 in IPv6's clothes is judged, and dialled, as what it is.
        foreach (var address in addresses.Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
        {
            // One bad address among good ones is passed over, not tried: only what is dialled can do harm.
            if (!named && !_allowed.Contains(address) && PublicAddress.WhyNot(address) is { } what)
            {
                reason ??= $"{address} is {what}";
                continue;
            }

            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                // The very address that was judged; the name is not looked up again.
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException unreachable)
            {
                socket.Dispose();
                failure = unreachable;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        if (failure is null && reason is not null)
            throw new BlockedAddressException(host, reason);
        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }
}
