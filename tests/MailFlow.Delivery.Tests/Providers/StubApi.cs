using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>What goes wrong with a call of a provider's API.</summary>
public enum Trouble
{
    None,

    /// <summary>The connection is reset before any of the body was read.</summary>
    ResetBeforeBody,

    /// <summary>The connection is reset when the body was read.</summary>
    ResetAfterBody,

    /// <summary>The body is read, and nothing follows.</summary>
    Stall,

    /// <summary>The body is read, the status and half of an answer come.</summary>
    TornAnswer,

    /// <summary>The answer is well, but is no JSON.</summary>
    InvalidJson,
}

/// <summary>A request as the stub read it.</summary>
public sealed record StubRequest(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>What the stub answers.</summary>
public sealed record ApiAnswer(int Status, string Body, params (string Name, string Value)[] Headers)
{
    public string ContentType { get; init; } = "application/json";
}

/// <summary>A provider's API on a free port of 127.0.0.1: it answers as it is told, after the trouble it is told to make.</summary>
internal sealed class StubApi : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource _over = new();

    private StubApi(WebApplication app) => _app = app;

    public string Address => _app.Urls.First();

    public Trouble Trouble { get; set; }

    /// <summary>The trouble of a request that was read, instead of <see cref="Trouble"/>; asked once for each.</summary>
    public Func<StubRequest, Trouble>? TroubleOf { get; set; }

    /// <summary>Answers in place of the API's own, the next first.</summary>
    public ConcurrentQueue<ApiAnswer> Script { get; } = new();

    public ConcurrentQueue<StubRequest> Requests { get; } = new();

    /// <summary>Done when a request has been read whole.</summary>
    public TaskCompletionSource Reached { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<StubApi> StartAsync(Func<StubRequest, ApiAnswer> api)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        var stub = new StubApi(app);
        app.Run(context => stub.AnswerAsync(context, api));
        await app.StartAsync();
        return stub;
    }

    public async ValueTask DisposeAsync()
    {
        _over.TrySetResult();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context, Func<StubRequest, ApiAnswer> api)
    {
        if (Trouble == Trouble.ResetBeforeBody)
        {
            context.Abort();
            return;
        }
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var request = new StubRequest(
            context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "",
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
        Requests.Enqueue(request);
        Reached.TrySetResult();
        var trouble = TroubleOf?.Invoke(request) ?? Trouble;
        if (trouble == Trouble.ResetAfterBody)
        {
            context.Abort();
            return;
        }
        if (trouble == Trouble.Stall)
        {
            await Task.WhenAny(_over.Task, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));
            context.Abort();
            return;
        }
        var answer = Script.TryDequeue(out var scripted) ? scripted : api(request);
        if (trouble == Trouble.InvalidJson) answer = answer with { Body = "<html>welcome to the hotel's network</html>" };
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        foreach (var (name, value) in answer.Headers) context.Response.Headers[name] = value;
        var octets = Encoding.UTF8.GetBytes(answer.Body);
        if (trouble == Trouble.TornAnswer)
        {
            context.Response.ContentLength = octets.Length + 1000;
            await context.Response.Body.WriteAsync(octets.AsMemory(0, octets.Length / 2));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return;
        }
        await context.Response.Body.WriteAsync(octets);
    }
}
