using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailFlow.Benchmarks;

/// <summary>SendGrid's <c>mail/send</c> over HTTP, in this process: reads each request, answers 202, and keeps the keys of the mails it took.</summary>
internal sealed class SendGridStub : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SendGridStub(WebApplication app) => _app = app;

    /// <summary>The keys of the mails it took, in order.</summary>
    public ConcurrentQueue<string> Taken { get; } = new();

    /// <summary>How many requests they came in.</summary>
    public int Requests => _requests;

    private int _requests;

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<SendGridStub> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var stub = new SendGridStub(builder.Build());
        stub._app.MapPost("/v3/mail/send", (Delegate)stub.TakeAsync);
        await stub._app.StartAsync();
        return stub;
    }

    private async Task<IResult> TakeAsync(HttpContext context)
    {
        using var mail = await JsonDocument.ParseAsync(context.Request.Body);
        foreach (var one in mail.RootElement.GetProperty("personalizations").EnumerateArray()) Taken.Enqueue(one.GetProperty("custom_args").EnumerateObject().First().Value.GetString()!);
        context.Response.Headers["X-Message-Id"] = $"stub-{Interlocked.Increment(ref _requests)}";
        return Results.StatusCode(StatusCodes.Status202Accepted);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
