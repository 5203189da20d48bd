using MailFlow.Audience;
using MailFlow.Delivery;
using MailFlow.Testing;

namespace MailFlow.Journeys.Tests;

/// <summary>Every sample journey through its whole length. The clock starts at 9:00 UTC on Monday, 5 January 2026.</summary>
public class SampleScenarioTests
{
    private const string Ada = "ada@example.org", Bob = "bob@example.org";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Welcome_greets_at_once_and_goes_on_by_whether_the_tips_were_opened(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "welcome-series");
        await host.EventAsync("user_signed_up", "ada", Contact(Ada, "Ada"));
        await host.EventAsync("user_signed_up", "bob", Contact(Bob, null));
        var welcome = Assert.Single(await host.MailboxAsync(Ada));
        Assert.Equal(("Welcome to Northwind, Ada", "welcome"), (welcome.Subject, welcome.Template));
        Assert.Contains("1 High Street, London", welcome.Html);
        Assert.Contains("Unsubscribe", welcome.Html);
        Assert.Equal("Welcome to Northwind", Assert.Single(await host.MailboxAsync(Bob)).Subject);

        await host.EventAsync("user_signed_up", "ada", Contact(Ada, "Ada")); // once per contact
        await host.AdvanceAsync(TimeSpan.FromDays(2));
        await host.EventAsync("email_opened", "ada", new { template = "welcome" }); // not the one that is waited for
        await host.EventAsync("email_opened", "ada", new { template = "welcome-tips" });
        await host.AdvanceAsync(TimeSpan.FromDays(30));

        Assert.Equal(["2026-01-05 09:00 welcome", "2026-01-06 09:00 welcome-tips", "2026-01-09 09:00 welcome-next-step"], await host.SentAsync(Ada, withTime: true));
        Assert.Equal(["2026-01-05 09:00 welcome", "2026-01-06 09:00 welcome-tips", "2026-01-09 09:00 welcome-tips"], await host.SentAsync(Bob, withTime: true));
        Assert.Equal("Did you see these three shortcuts?", (await host.MailboxAsync(Bob))[2].Subject);
        Assert.Equal(["engaged"], Tags(await host.ContactAsync("ada")));
        Assert.Equal("entered 2, waiting 0, completed 2, exited 0, faulted 0", await host.StatsAsync("welcome-series"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Welcome_ends_for_a_contact_who_closes_the_account(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "welcome-series");
        await host.EventAsync("user_signed_up", "ada", Contact(Ada, "Ada"));
        await host.AdvanceAsync(TimeSpan.FromHours(5));
        await host.EventAsync("account_closed", "ada", new { });
        await host.AdvanceAsync(TimeSpan.FromDays(30));
        Assert.Equal(["welcome"], await host.SentAsync(Ada));
        Assert.Equal("entered 1, waiting 0, completed 0, exited 1, faulted 0", await host.StatsAsync("welcome-series"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_cart_is_reminded_of_and_an_order_ends_it(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "abandoned-cart");
        await host.EventAsync("cart_updated", "ada", Cart(Ada, 80));
        await host.EventAsync("cart_updated", "bob", Cart(Bob, 20));
        await host.EventAsync("cart_updated", "eve", Cart("eve@example.org", 90));
        await host.EventAsync("cart_updated", "nil", Cart("nil@example.org", 0)); // an empty cart does not count
        await host.AdvanceAsync(TimeSpan.FromMinutes(59));
        await host.EventAsync("cart_updated", "ada", Cart(Ada, 95)); // still inside: one trip at a time
        Assert.Empty(await host.SentAsync(Ada));
        await host.AdvanceAsync(TimeSpan.FromMinutes(1));
        var reminder = Assert.Single(await host.MailboxAsync(Ada));
        Assert.Contains("Walking boots", reminder.Html);
        Assert.Contains("$80.00", reminder.Html);

        await host.EventAsync("order_placed", "eve", new { order_id = "1001", total = 90 });
        await host.AdvanceAsync(TimeSpan.FromDays(10));
        Assert.Equal(["2026-01-05 10:00 cart-reminder", "2026-01-06 10:00 cart-coupon"], await host.SentAsync(Ada, withTime: true));
        Assert.Equal(["cart-reminder", "cart-last-call"], await host.SentAsync(Bob));
        Assert.Equal(["cart-reminder"], await host.SentAsync("eve@example.org"));
        Assert.Equal("entered 3, waiting 0, completed 0, exited 3, faulted 0", await host.StatsAsync("abandoned-cart"));

        await host.EventAsync("cart_updated", "ada", Cart(Ada, 30)); // out again, so a new cart is a new trip
        await host.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Equal("cart-reminder", (await host.SentAsync(Ada))[^1]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Every_order_gets_a_receipt_and_a_delivered_one_a_question_on_a_weekday_morning(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "order-receipt");
        await host.EventAsync("order_placed", "ada", Order(Ada, "1001", "Europe/Paris"));
        await host.EventAsync("order_placed", "ada", Order(Ada, "1002", "Europe/Paris"));
        await host.EventAsync("order_placed", "bob", Order(Bob, "1003", null));
        await host.Get<Suppressions>().AddAsync(JourneyHost.Account, Bob, "unsubscribed", "marketing", "test", default);
        var receipts = await host.MailboxAsync(Ada);
        Assert.Equal(["Your order 1001", "Your order 1002"], receipts.Select(mail => mail.Subject).Order());
        Assert.Contains("2 x Walking boots: $40.00", receipts[0].Text);
        Assert.DoesNotContain("nsubscribe", receipts[0].Html);

        await host.AdvanceAsync(TimeSpan.FromDays(2)); // Wednesday
        await host.EventAsync("order_delivered", "ada", new { order_id = "1001" });
        await host.EventAsync("order_delivered", "bob", new { order_id = "1003" });
        await host.AdvanceAsync(TimeSpan.FromDays(30));

        // Delivered on Wednesday the 7th, settled on Monday the 12th, asked on Tuesday at 10:00 in Paris. Order 1002 was never delivered; Bob wants no marketing mail.
        Assert.Equal("2026-01-13 09:00 order-review", (await host.SentAsync(Ada, withTime: true))[^1]);
        Assert.Equal(["order-receipt", "order-receipt", "order-review"], await host.SentAsync(Ada));
        Assert.Contains("Your order 1001 should have settled in", (await host.MailboxAsync(Ada))[2].Text);
        Assert.Equal(["order-receipt"], await host.SentAsync(Bob));
        Assert.Equal("entered 3, waiting 0, completed 2, exited 1, faulted 0", await host.StatsAsync("order-receipt"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Customers_who_went_quiet_are_invited_back_with_consent_and_once_in_90_days(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "win-back");
        await host.EventAsync("customer_inactive", "ada", Lapsed(Ada, consent: true, spent: 900));
        await host.EventAsync("customer_inactive", "bob", Lapsed(Bob, consent: true, spent: 10));
        await host.EventAsync("customer_inactive", "eve", Lapsed("eve@example.org", consent: false, spent: 900));
        await host.AdvanceAsync(TimeSpan.FromDays(5));
        await host.EventAsync("order_placed", "ada", new { order_id = "1" });
        await host.AdvanceAsync(TimeSpan.FromDays(10));

        Assert.Equal(["win-back-vip"], await host.SentAsync(Ada));
        Assert.Equal(["win-back-miss-you"], await host.SentAsync(Bob));
        Assert.Empty(await host.SentAsync("eve@example.org"));
        Assert.Equal(["lapsed"], Tags(await host.ContactAsync("bob")));
        Assert.Equal("entered 3, waiting 0, completed 1, exited 2, faulted 0", await host.StatsAsync("win-back"));

        await host.EventAsync("customer_inactive", "bob", Lapsed(Bob, consent: true, spent: 10)); // day 15: too soon
        await host.AdvanceAsync(TimeSpan.FromDays(76));
        await host.EventAsync("customer_inactive", "bob", Lapsed(Bob, consent: true, spent: 10)); // day 91
        await host.EventAsync("order_placed", "bob", new { order_id = "2" });
        Assert.Equal(["win-back-miss-you", "win-back-miss-you"], await host.SentAsync(Bob));
        Assert.Empty(Tags(await host.ContactAsync("bob")));
        Assert.Equal("entered 4, waiting 0, completed 2, exited 2, faulted 0", await host.StatsAsync("win-back"));
        Assert.Contains((await host.Trace.ReadAsync(JourneyHost.Account, "bob", null, 100, default)).Items,
            entry => entry.Reason == "not entered: last entered on 5 January 2026, and this journey takes a contact once per 90 days");
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_trial_is_followed_to_its_end_even_when_that_moves_and_on_into_re_engagement(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "re-engagement", "trial-ending");
        await host.EventAsync("trial_started", "ada", Trial(Ada, "America/New_York", "2026-01-19", seats: 5));
        await host.EventAsync("trial_started", "bob", Trial(Bob, null, "2026-01-19T12:00:00Z", seats: 1));
        await host.EventAsync("trial_started", "eve", Trial("eve@example.org", null, "2026-01-19", seats: 1));
        await host.AdvanceToAsync("2026-01-10T00:00:00Z");
        await host.Get<Contacts>().PutAsync(JourneyHost.Account, "ada", new Dictionary<string, object?> { ["trial_ends_at"] = "2026-01-26" }, default); // a week more
        await host.AdvanceToAsync("2026-01-17T00:00:00Z");
        await host.EventAsync("subscription_started", "eve", new { });
        await host.AdvanceToAsync("2026-02-20T00:00:00Z");

        // New York is five hours behind: midnight there, then nine o'clock there.
        Assert.Equal(["2026-01-23 14:00 trial-three-days", "2026-01-25 05:00 trial-team", "2026-01-26 05:00 trial-ended"], await host.SentAsync(Ada, withTime: true));
        Assert.Equal("Your trial ends Monday, 26 January", (await host.MailboxAsync(Ada))[0].Subject);
        Assert.Equal("Your team of 5 is about to lose access", (await host.MailboxAsync(Ada))[1].Subject);
        Assert.Equal(["2026-01-17 09:00 trial-three-days", "2026-01-18 12:00 trial-last-day", "2026-01-19 12:00 trial-ended"], (await host.SentAsync(Bob, withTime: true)).Take(3));
        Assert.Equal(["trial-three-days"], await host.SentAsync("eve@example.org"));

        await host.AdvanceToAsync("2026-03-15T00:00:00Z");
        Assert.Equal("entered 3, waiting 0, completed 2, exited 1, faulted 0", await host.StatsAsync("trial-ending"));
        Assert.Equal("entered 2, waiting 0, completed 0, exited 2, faulted 0", await host.StatsAsync("re-engagement"));
        Assert.Equal(["sunset"], Tags(await host.ContactAsync("bob")));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Dormant_contacts_are_split_and_let_go_or_won_again(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "re-engagement");
        await host.EventAsync("order_placed", "buyer", new { contact = new { email = "buyer@example.org" } });
        await host.EventAsync("contact_dormant", "buyer", new { });
        for (var n = 0; n < 40; n++) await host.EventAsync("contact_dormant", $"user-{n}", Contact($"user-{n}@example.org", null));
        await host.AdvanceAsync(TimeSpan.FromDays(3));
        for (var n = 0; n < 40; n += 4) await host.EventAsync("user_active", $"user-{n}", new { });
        await host.AdvanceAsync(TimeSpan.FromDays(30));

        var mailed = new List<string>();
        for (var n = 0; n < 40; n++) mailed.Add(string.Join(',', await host.SentAsync($"user-{n}@example.org")));
        Assert.Equal(["", "re-engagement-offer", "re-engagement-question"], mailed.Distinct().Order());
        Assert.InRange(mailed.Count(templates => templates.Length > 0), 30, 39);
        Assert.Empty(await host.SentAsync("buyer@example.org"));
        Assert.Equal("entered 41, waiting 0, completed 10, exited 31, faulted 0", await host.StatsAsync("re-engagement"));
        Assert.Equal(["reactivated"], Tags(await host.ContactAsync("user-0")));
        Assert.Equal(["sunset"], Tags(await host.ContactAsync("user-1")));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Only_who_confirms_the_address_gets_the_newsletter(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "double-opt-in");
        await host.EventAsync("newsletter_requested", "ada", Contact(Ada, "Ada"));
        await host.EventAsync("newsletter_requested", "bob", Contact(Bob, null));
        var question = Assert.Single(await host.MailboxAsync(Ada));
        var link = System.Text.RegularExpressions.Regex.Match(question.Html, "/confirm/([A-Za-z0-9_-]+)").Groups[1].Value;
        await host.AdvanceAsync(TimeSpan.FromDays(13));
        Assert.NotNull(await host.Get<Confirmation>().ReadAsync(link, default));
        await host.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["confirm-subscription"], await host.SentAsync(Ada)); // a scanner's GET confirms nothing

        Assert.True(await host.Get<Confirmation>().ActAsync(link, new Visitor("203.0.113.7", "Browser"), default));
        await host.RunAsync();
        await host.AdvanceAsync(TimeSpan.FromDays(30));

        Assert.Equal(["confirm-subscription", "newsletter-welcome"], await host.SentAsync(Ada));
        Assert.Equal(["confirm-subscription"], await host.SentAsync(Bob));
        var welcome = (await host.MailboxAsync(Ada))[1];
        Assert.Contains("/preferences/", welcome.Html);
        Assert.Equal("express", (await host.Get<MessageBases>().FindAsync(JourneyHost.Account, welcome.Id, default))!.Consent!.Basis);
        Assert.Equal("entered 2, waiting 0, completed 2, exited 0, faulted 0", await host.StatsAsync("double-opt-in"));
    }

    private static object Contact(string email, string? firstName) => new { contact = firstName is null ? (object)new { email } : new { email, first_name = firstName } };

    private static object Cart(string email, int total) => new
    {
        contact = new { email },
        total,
        currency = "USD",
        cart_url = "https://shop.example/cart/1",
        items = new[] { new { name = "Walking boots", quantity = 2, price = total / 2.0 } },
    };

    private static object Order(string email, string id, string? zone) => new
    {
        contact = new { email, time_zone = zone },
        order_id = id,
        total = 80,
        currency = "USD",
        items = new[] { new { name = "Walking boots", quantity = 2, price = 40 } },
    };

    private static object Lapsed(string email, bool consent, int spent) => new { contact = new { email, total_spent = spent, consents = new { promotions = consent } } };

    private static object Trial(string email, string? zone, string endsAt, int seats) => new { contact = new { email, time_zone = zone, trial_ends_at = endsAt, seats } };

    private static IEnumerable<string> Tags(IReadOnlyDictionary<string, object?> contact) => ((IReadOnlyList<object?>)contact["tags"]!).OfType<string>();
}
