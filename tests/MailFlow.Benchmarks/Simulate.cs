using System.Text.Json;
using MailFlow.Content;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys.Simulation;

namespace MailFlow.Benchmarks;

/// <summary>Ninety simulated days of the sample welcome series for a thousand contacts, 40 in 100 of whom open the tips.</summary>
internal static class Simulate
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "workflows");

    private sealed record TemplateFile(string? Subject, string Html, string? Text, string? Layout);

    public static async Task RunAsync(BenchHost host, Arguments arguments)
    {
        var contacts = arguments.Contacts > 0 ? arguments.Contacts : 1_000;
        foreach (var key in new[] { "layout", "welcome", "welcome-tips", "welcome-next-step" })
        {
            var template = JsonSerializer.Deserialize<TemplateFile>(await File.ReadAllTextAsync(Path.Combine(Folder, "templates", key + ".json")), JsonSerializerOptions.Web)!;
            await host.Get<Templates>().PutAsync(1, key, new TemplateSource(template.Subject ?? "", template.Html, template.Text, template.Layout, MessageStream.Marketing), default);
        }
        await host.PublishAsync("welcome-series", await File.ReadAllTextAsync(Path.Combine(Folder, "welcome-series.json")));
        var simulator = host.Get<JourneySimulator>();
        for (var run = 1; run <= 3; run++)
        {
            var one = await RunAsync(simulator, 1);
            Report.Line($"one contact, run {run}", $"{one.DurationMs} ms, {one.Timeline.Count} lines, {one.Mails.Count} mails");
        }
        for (var run = 1; run <= 3; run++)
        {
            var many = await RunAsync(simulator, contacts);
            Report.Line($"{contacts} contacts, run {run}", $"{many.DurationMs / 1000.0:N2} s for {many.Steps:N0} steps and {many.MailsTotal:N0} mails, to {many.EndsAt:yyyy-MM-dd}");
            Report.Check("contacts at the end", contacts, many.Stats.Completed);
            Report.Check("mails", contacts * 3L, many.MailsTotal);
        }
    }

    private static Task<SimulationResult> RunAsync(JourneySimulator simulator, int contacts) => simulator.RunAsync(1, "welcome-series", new SimulationRequest
    {
        Contacts = contacts,
        Until = "P90D",
        Events = [new ScriptedEvent { After = "P2D", Opened = "welcome-tips", Share = 0.4 }],
    }, default);
}
