using System.Text.RegularExpressions;
using MailFlow.Audience;
using MailFlow.Journeys.Simulation;
using MailFlow.Testing;

namespace MailFlow.Journeys.Tests.Simulation;

/// <summary>The simulator against the engine itself: the same script, once simulated and once run step by step on a real database.</summary>
public sealed partial class SampleSimulationTests
{
    private static readonly Dictionary<string, object?> Cart = new() { ["total"] = 30L, ["currency"] = "USD", ["cart_url"] = "https://shop.example/1", ["items"] = new List<object?> { Item() } };

    /// <summary>For each sample, ways through it.</summary>
    private static readonly Dictionary<string, (string Journey, ScriptedEvent[] Script)> Scripts = new()
    {
        ["welcome, opened"] = ("welcome-series", [On("user_signed_up", Ada("first_name", "Ada")), new() { After = "P2D", Opened = "welcome-tips" }]),
        ["welcome, never opened"] = ("welcome-series", [On("user_signed_up", Ada()), new() { After = "P2D", Opened = "welcome" }, new() { After = "P3D", EventType = "user_signed_up" }]),
        ["welcome, account closed"] = ("welcome-series", [On("user_signed_up", Ada()), new() { After = "PT30H", EventType = "account_closed" }]),
        ["cart, left alone"] = ("abandoned-cart", [On("cart_updated", new(Cart) { ["contact"] = Ada()["contact"] })]),
        ["cart, bought"] = ("abandoned-cart", [On("cart_updated", new(Cart) { ["contact"] = Ada()["contact"] }), new() { After = "PT2H", EventType = "order_placed", Payload = Order() }]),
        ["order, delivered"] = ("order-receipt", [On("order_placed", Order()), new() { After = "P2D", EventType = "order_delivered", Payload = new Dictionary<string, object?> { ["order_id"] = "1001" } }]),
        ["order, another one delivered"] = ("order-receipt", [On("order_placed", Order()), new() { After = "P2D", EventType = "order_delivered", Payload = new Dictionary<string, object?> { ["order_id"] = "7" } }]),
        ["win-back, consent and much spent"] = ("win-back", [On("customer_inactive", Lapsed(true, 900)), new() { After = "P5D", EventType = "order_placed", Payload = Order() }]),
        ["win-back, little spent, twice"] = ("win-back", [On("customer_inactive", Lapsed(true, 10)), new() { After = "P15D", EventType = "customer_inactive" }, new() { After = "P91D", EventType = "customer_inactive" }]),
        ["win-back, no consent"] = ("win-back", [On("customer_inactive", Lapsed(false, 900))]),
        ["trial, a week more and a team"] = ("trial-ending",
            [On("trial_started", Ada("trial_ends_at", "2026-01-19", "seats", 5L, "time_zone", "America/New_York")), new() { After = "P5D", Contact = new Dictionary<string, object?> { ["trial_ends_at"] = "2026-01-26" } }]),
        ["trial, subscribed"] = ("trial-ending", [On("trial_started", Ada("trial_ends_at", "2026-01-19T12:00:00Z", "seats", 1L)), new() { After = "P12D", EventType = "subscription_started" }]),
        ["double opt-in, confirmed"] = ("double-opt-in",
            [On("newsletter_requested", Ada()), new() { After = "P1D", EventType = "consent_confirmed", Payload = new Dictionary<string, object?> { ["purpose"] = "newsletter", ["contact"] = new Dictionary<string, object?> { ["consents"] = new Dictionary<string, object?> { ["newsletter"] = true } } } }]),
        ["double opt-in, silence"] = ("double-opt-in", [On("newsletter_requested", Ada())]),
        ["re-engagement, silent"] = ("re-engagement", [On("contact_dormant", Ada())]),
        ["re-engagement, back again"] = ("re-engagement", [On("contact_dormant", Ada()), new() { After = "P3D", EventType = "user_active" }]),
    };

    public static TheoryData<string, DatabaseKind> Cases
    {
        get
        {
            var cases = new TheoryData<string, DatabaseKind>();
            foreach (var name in Scripts.Keys)
            {
                cases.Add(name, DatabaseKind.Sqlite);
                cases.Add(name, DatabaseKind.PostgreSql);
            }
            return cases;
        }
    }

    [Fact]
    public void Every_sample_is_simulated() => Assert.Equal(Samples.Journeys().Select(sample => sample.Key).Order(), Scripts.Values.Select(script => script.Journey).Distinct().Order());

    [Theory, MemberData(nameof(Cases))]
    public async Task A_sample_goes_the_way_and_sends_the_mail_that_the_real_engine_does(string name, DatabaseKind kind)
    {
        var (journey, script) = Scripts[name];
        await using var host = await JourneyHost.WithSamplesAsync(kind, journey == "trial-ending" ? ["re-engagement", journey] : [journey]);
        var simulated = await host.Get<JourneySimulator>().RunAsync(JourneyHost.Account, journey, new SimulationRequest
        {
            Contact = new Dictionary<string, object?> { ["user_id"] = "ada", ["email"] = null },
            Events = script,
        }, default);

        var start = host.Time.GetUtcNow();
        foreach (var step in script)
        {
            await host.AdvanceAsync(start + MailFlow.Engine.Expressions.DurationText.Parse(step.After ?? "PT0S") - host.Time.GetUtcNow());
            if (step.Contact is { } fields) await host.Get<Contacts>().PutAsync(JourneyHost.Account, "ada", fields, default);
            else await host.EventAsync(step.EventType ?? "email_opened", "ada", step.Payload ?? new Dictionary<string, object?> { ["template"] = step.Opened });
            await host.RunAsync();
        }
        await host.AdvanceAsync(TimeSpan.FromDays(400));

        var real = (await host.Trace.ReadAsync(JourneyHost.Account, "ada", null, 1000, default)).Items;
        Assert.NotEmpty(real);
        Assert.Equal(
            real.Select(entry => (entry.At, entry.Journey, entry.ActivityId, entry.Event, entry.Outcome)),
            simulated.Timeline.Where(moment => moment.Event != "Event").Select(moment => (moment.At, moment.Journey, moment.ActivityId, moment.Event, moment.Outcome)));
        Assert.All(real.Zip(simulated.Timeline.Where(moment => moment.Event != "Event")), pair => Assert.EndsWith(pair.First.Reason, pair.Second.Text, StringComparison.Ordinal));

        var mails = await host.MailboxAsync("ada@example.org");
        Assert.Equal(mails.Select(mail => (mail.At, mail.Template, mail.Subject, Unsigned(mail.Text), Unsigned(mail.Html))),
            simulated.Mails.Select(mail => (mail.At, mail.Template, mail.Subject, Unsigned(mail.Text), Unsigned(mail.Html))));
        Assert.Equal(await host.StatsAsync(journey),
            $"entered {simulated.Stats.Entered}, waiting {simulated.Stats.Waiting}, completed {simulated.Stats.Completed}, exited {simulated.Stats.Exited}, faulted {simulated.Stats.Faulted}");
    }

    private static ScriptedEvent On(string type, Dictionary<string, object?> payload) => new() { EventType = type, Payload = payload };

    private static Dictionary<string, object?> Ada(params object[] fields)
    {
        var contact = new Dictionary<string, object?> { ["email"] = "ada@example.org" };
        for (var i = 0; i < fields.Length; i += 2) contact[(string)fields[i]] = fields[i + 1];
        return new() { ["contact"] = contact };
    }

    private static Dictionary<string, object?> Item() => new() { ["name"] = "Walking boots", ["quantity"] = 2L, ["price"] = 40L };

    private static Dictionary<string, object?> Order() =>
        new(Ada("time_zone", "Europe/Paris")) { ["order_id"] = "1001", ["total"] = 80L, ["currency"] = "USD", ["items"] = new List<object?> { Item() } };

    private static Dictionary<string, object?> Lapsed(bool consent, long spent) => Ada("total_spent", spent, "consents", new Dictionary<string, object?> { ["promotions"] = consent });

    /// <summary>The links to unsubscribe are signed with keys of each database's own.</summary>
    private static string Unsigned(string text) => Link().Replace(text, "LINK");

    [GeneratedRegex(@"https://mail\.example\.org/[^\s""<)]+")]
    private static partial Regex Link();
}
