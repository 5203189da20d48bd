using System.Text.Json;
using MailFlow.Delivery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MailFlow.Chaos.Esp;

/// <summary>
/// An e-mail provider as MailFlow sees one, in a process of its own that outlives every node. What it takes it writes to its log before it answers; that log, and no word of MailFlow's,
/// says what recipients got. It speaks a little API of its own (<see cref="Seam.StubType"/>) and SendGrid's.
/// </summary>
internal sealed class StubEsp : IDisposable
{
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(30);

    private readonly ReplayPolicy _mode;
    private readonly StreamWriter _log;
    private readonly Random _random;
    private readonly Lock _lock = new();
    private readonly HashSet<Guid> _known = [];
    private readonly StubReports _reports;
    private StubTroubles _troubles = new();
    private long _taken, _requests;

    private StubEsp(ReplayPolicy mode, string log, int seed)
    {
        (_mode, _random) = (mode, new Random(seed));
        _log = new StreamWriter(new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
        _reports = new StubReports(seed);
    }

    /// <summary>Runs until its standard input ends: that of whoever started it. Its first line says where it listens.</summary>
    public static async Task<int> RunAsync(ReplayPolicy mode, string log, int seed)
    {
        using var esp = new StubEsp(mode, log, seed);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.MapPost("/mails", esp.TakeAsync);
        app.MapGet("/mails/{key:guid}", esp.Find);
        app.MapPost("/v3/mail/send", esp.TakeSendGridsAsync);
        app.MapPut("/troubles", (StubTroubles troubles) => { esp._troubles = troubles; });
        app.MapPut("/reports-to", (StubReportsTo to) => esp._reports.SendTo(to));
        app.MapGet("/state", () => new StubState(Interlocked.Read(ref esp._taken), esp._reports.Open, esp._reports.Sent));
        app.MapGet("/public-key", () => esp._reports.PublicKey);
        await app.StartAsync();
        using var gone = new CancellationTokenSource();
        var reporting = esp._reports.RunAsync(gone.Token);
        await Console.Out.WriteLineAsync(app.Urls.Single());
        await Console.In.ReadToEndAsync();
        await gone.CancelAsync();
        await reporting;
        return 0;
    }

    public void Dispose()
    {
        _log.Dispose();
        _reports.Dispose();
    }

    private async Task TakeAsync(HttpContext http, StubMail mail) => await AnswerAsync(http, [mail], $"stub-{mail.Key:n}", StatusCodes.Status200OK);

    private IResult Find(Guid key)
    {
        lock (_lock) return _known.Contains(key) ? Results.Ok() : Results.NotFound();
    }

    /// <summary>Each of the personalizations is a mail; its key is where MailFlow puts it for SendGrid to give back.</summary>
    private async Task TakeSendGridsAsync(HttpContext http)
    {
        using var request = await JsonDocument.ParseAsync(http.Request.Body);
        var mails = request.RootElement.GetProperty("personalizations").EnumerateArray().Select(one => new StubMail(
            one.GetProperty("custom_args").GetProperty("mf_msg").GetGuid(), one.GetProperty("to")[0].GetProperty("email").GetString()!, one.GetProperty("subject").GetString()!, 0)).ToList();
        await AnswerAsync(http, mails, $"sg-{Interlocked.Increment(ref _requests)}", StatusCodes.Status202Accepted);
    }

    private async Task AnswerAsync(HttpContext http, List<StubMail> mails, string name, int status)
    {
        var (draw, troubles) = (0.0, _troubles);
        var isTaken = true;
        lock (_lock)
        {
            draw = _random.NextDouble();
            if (draw < troubles.Resets + troubles.Stalls) isTaken = _random.Next(2) == 0;
        }
        if (draw >= troubles.Resets + troubles.Stalls && draw < troubles.Resets + troubles.Stalls + troubles.Refusals)
        {
            http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            http.Response.Headers.RetryAfter = "2";
            return;
        }
        if (isTaken) Write(mails, name);
        if (draw >= troubles.Resets + troubles.Stalls)
        {
            http.Response.StatusCode = status;
            http.Response.Headers["X-Message-Id"] = name;
            return;
        }
        if (draw >= troubles.Resets) await Task.Delay(Stall, TimeProvider.System, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        http.Abort();
    }

    /// <summary>In the file before anybody is told.</summary>
    private void Write(List<StubMail> mails, string name)
    {
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        lock (_lock)
            foreach (var mail in mails)
            {
                var isAgain = !_known.Add(mail.Key) && _mode == ReplayPolicy.Idempotent;
                _log.WriteLine(JsonSerializer.Serialize(new TakenLine(at, mail, isAgain)));
                if (isAgain) continue;
                _taken++;
                _reports.Add(new StubReport($"{mail.Key:n}-accepted", nameof(FeedbackKind.Accepted), at, mail.Key, mail.To, name));
                _reports.Add(new StubReport($"{mail.Key:n}-delivered", nameof(FeedbackKind.Delivered), at, mail.Key, mail.To, name));
            }
    }
}
