using MailFlow.Audience;
using MailFlow.Delivery;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Journeys.Tests;

/// <summary>Journeys that wait for what a contact does with a mail.</summary>
public class EngagementTests
{
    private const string Chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0.0.0 Safari/537.36";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_journey_goes_on_when_a_human_opened_this_mail_and_clicked_this_link(DatabaseKind kind)
    {
        var type = new ReportingProvider();
        await using var host = await JourneyHost.CreateAsync(kind, services => services.AddSingleton<IProviderType>(type));
        var connection = await host.Get<Connections>().PutAsync(JourneyHost.Account, "main", new ConnectionDraft("reporting", Settings: new Dictionary<string, string?> { ["key"] = "k" }), default);
        await host.PutTemplateAsync("welcome", """{"subject":"Hi","html":"<p>Hi <a href=\"https://shop.example/sale\">Sale</a></p>"}""");
        await host.PutTemplateAsync("thanks", """{"subject":"Thanks","html":"<p>Thanks</p>"}""");
        await host.PublishAsync("engaged", Flow.Of(null, Flow.Trigger("go"), Flow.Mail("welcome"),
            Wait("opened", "email_opened", "event.template == 'welcome' && event.human"), Wait("clicked", "email_clicked", "event.human && event.url == 'https://shop.example/sale'"), Flow.Mail("thanks", "thanks"))
            .Replace("""{"activity":"opened","port":"Done"}""", """{"activity":"opened","port":"Received"}""", StringComparison.Ordinal)
            .Replace("""{"activity":"clicked","port":"Done"}""", """{"activity":"clicked","port":"Received"}""", StringComparison.Ordinal));
        await host.EventAsync("go", "ada", new { contact = new { email = "ada@example.org" } });
        var welcome = Assert.Single(type.Provider.Taken).Key;

        await host.AdvanceAsync(TimeSpan.FromHours(1));
        await ReportAsync(new StubReport("machine", FeedbackKind.Opened, host.Time.GetUtcNow(), welcome, Agent: "Mozilla/5.0"));
        await ReportAsync(new StubReport("scan", FeedbackKind.Clicked, host.Time.GetUtcNow(), welcome, Url: "https://shop.example/sale", Machine: true));
        await ReportAsync(new StubReport("open", FeedbackKind.Opened, host.Time.GetUtcNow(), welcome, Agent: Chrome));
        Assert.Single(type.Provider.Taken);
        await ReportAsync(new StubReport("click", FeedbackKind.Clicked, host.Time.GetUtcNow(), welcome, Url: "https://shop.example/sale", Agent: Chrome));

        Assert.Equal("Thanks", type.Provider.Taken.Last().Subject);
        Assert.Equal("entered 1, waiting 0, completed 1, exited 0, faulted 0", await host.StatsAsync("engaged"));
        var segments = host.Get<Segments>();
        await segments.PutAsync(JourneyHost.Account, "active", "Active", "contact.last_opened_at > now - duration('30d') && contact.last_clicked_at > now - duration('1d')", default);
        Assert.Equal(1, await segments.CountAsync(JourneyHost.Account, "active", default));
        await host.AdvanceAsync(TimeSpan.FromDays(2));
        Assert.Equal(0, await segments.CountAsync(JourneyHost.Account, "active", default));

        async Task ReportAsync(StubReport report)
        {
            var body = ReportingProvider.Write(report);
            var call = new WebhookCall(new Dictionary<string, string> { [ReportingProvider.Header] = ReportingProvider.Sign(body, "k") }, new Dictionary<string, string>(), body, host.Time.GetUtcNow());
            Assert.Equal(WebhookAnswer.Taken, await host.Get<Delivery.Webhooks>().TakeAsync("reporting", connection.Id, call, default));
            await host.Get<FeedbackProcessor>().RunOnceAsync(default);
            await host.AdvanceAsync(TimeSpan.FromSeconds(11));
            await host.Get<FeedbackProcessor>().RunOnceAsync(default);
            await host.RunAsync();
        }
    }

    private static (string, string, (string, string, object)[]) Wait(string id, string eventType, string filter) =>
        (id, "MailFlow.WaitForEvent", [("eventType", "Literal", eventType), ("filter", "CEL", filter)]);
}
