using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Dies at every labelled point of a batch; what is then done again is done as if nothing had happened.</summary>
public sealed class CrashTests
{
    private sealed class DieAt : IFaultPoints
    {
        public string? Point { get; set; }

        public void Reach(string name)
        {
            if (name != Point) return;
            Point = null;
            throw new OperationCanceledException("killed at " + name);
        }
    }

    public static TheoryData<DatabaseKind, string> Points()
    {
        var all = new TheoryData<DatabaseKind, string>();
        foreach (var kind in Enum.GetValues<DatabaseKind>())
            foreach (var point in new[] { "batch.claimed", "batch.loaded", "batch.before-commit", "batch.after-commit", "intake.before-commit", "intake.after-commit" }) all.Add(kind, point);
        return all;
    }

    [Theory, MemberData(nameof(Points))]
    public async Task After_a_crash_every_instance_is_where_it_would_have_been(DatabaseKind kind, string point)
    {
        var die = new DieAt();
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton<IFaultPoints>(die));
        await host.PublishAsync(Flows.Of("on:s:go say:one wait:w:P1D say:two", "s --> one", "one --> w", "w --> two"));
        var events = Enumerable.Range(0, 20).Select(i => host.NewEvent("go", $"u{i}")).ToList();

        die.Point = point;
        await TryAsync(() => host.EventsAsync(events));
        await host.EventsAsync(events); // the sender had no answer, and sends again
        await TryAsync(host.RunAsync);
        await host.RunAsync();
        die.Point = point;
        host.Time.Advance(TimeSpan.FromDays(1));
        await TryAsync(host.RunAsync);
        await host.RunAsync();

        var lines = await host.LinesAsync();
        Assert.Equal((20, 20), (lines.Count(line => line == "one"), lines.Count(line => line == "two")));
        var counts = await host.CountsAsync();
        Assert.Equal((20, 20, 0), (counts[CountKind.Entered], counts[CountKind.Completed], counts[CountKind.Waiting]));
    }

    private static async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // The crash.
        }
    }
}
