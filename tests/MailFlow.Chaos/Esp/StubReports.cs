using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using MailFlow.Chaos.Seam;

namespace MailFlow.Chaos.Esp;

/// <summary>Reports what became of mails, as carelessly as real providers do: in any order, one in five twice, and again until it is answered well.</summary>
internal sealed class StubReports(int seed) : IDisposable
{
    private const int MostInOneCall = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200), Patience = TimeSpan.FromSeconds(10);

    private readonly Channel<StubReport> _queue = Channel.CreateUnbounded<StubReport>();
    private readonly Random _random = new(seed);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly HttpClient _http = new() { Timeout = Patience };
    private StubReportsTo _to = new([], null);
    private long _open, _sent;

    /// <summary>What SendGrid's kind of signature is verified with.</summary>
    public string PublicKey => Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo());

    public long Open => Interlocked.Read(ref _open);

    public long Sent => Interlocked.Read(ref _sent);

    public void SendTo(StubReportsTo to) => _to = to;

    public void Add(StubReport report)
    {
        Interlocked.Increment(ref _open);
        _queue.Writer.TryWrite(report);
    }

    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(ct))
            {
                var batch = new List<StubReport>();
                while (batch.Count < MostInOneCall && _queue.Reader.TryRead(out var report)) batch.Add(report);
                await SendAsync(batch, ct);
                if (_random.Next(5) == 0) await SendAsync(batch, ct);
                Interlocked.Add(ref _open, -batch.Count);
                await Task.Delay(Pause, TimeProvider.System, ct);
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody wants to know any more.
        }
    }

    public void Dispose()
    {
        _key.Dispose();
        _http.Dispose();
    }

    private async Task SendAsync(List<StubReport> reports, CancellationToken ct)
    {
        var body = Body([.. reports.Concat(reports.Where(_ => _random.Next(5) == 0)).OrderBy(_ => _random.Next())]);
        while (!await TrySendAsync(body, ct)) await Task.Delay(Pause, TimeProvider.System, ct);
        Interlocked.Add(ref _sent, reports.Count);
    }

    private async Task<bool> TrySendAsync(byte[] body, CancellationToken ct)
    {
        var to = _to;
        if (to.Addresses.Count == 0) return false;
        using var request = new HttpRequestMessage(HttpMethod.Post, to.Addresses[_random.Next(to.Addresses.Count)]) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (to.SigningKey is { } key) request.Headers.Add(StubType.SignatureHeader, StubType.Sign(body, key));
        else
        {
            var timestamp = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            request.Headers.Add("X-Twilio-Email-Event-Webhook-Timestamp", timestamp);
            request.Headers.Add("X-Twilio-Email-Event-Webhook-Signature",
                Convert.ToBase64String(_key.SignData([.. Encoding.UTF8.GetBytes(timestamp), .. body], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
        }
        try
        {
            using var answer = await _http.SendAsync(request, ct);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return false; // that node is gone or frozen: another next time
        }
    }

    private byte[] Body(StubReport[] reports) => _to.SigningKey is not null
        ? JsonSerializer.SerializeToUtf8Bytes(reports, JsonSerializerOptions.Web)
        : JsonSerializer.SerializeToUtf8Bytes(reports.Select(report => new
        {
            @event = report.Kind == "Accepted" ? "processed" : "delivered",
            sg_event_id = report.Id,
            sg_message_id = $"{report.ProviderId}.filter0001",
            timestamp = report.At / 1000,
            email = report.To,
            mf_msg = report.Key,
        }));
}
