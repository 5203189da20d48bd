using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Routing;

/// <summary>Marketing mail that comes to its hand-over without what mail to people must have, by whatever way: it waits, and loses nothing.</summary>
public sealed class UnfitSenderTests
{
    // Seen red: it was refused for good, which nobody could mend.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Without_a_postal_address_it_waits_until_there_is_one(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        fixture.Delivery.Options = fixture.Delivery.Options with { Sender = new("Shop", "hello@shop.example") };
        fixture.Start();
        var stub = await fixture.ConnectAsync("main");
        var receipt = Assert.Single(await fixture.QueueAsync(1, MessageStream.Transactional));
        await fixture.Delivery.SendAllAsync();
        Assert.Empty((await fixture.StateAsync()).Stops); // nobody sends marketing mail: nothing to stop
        Assert.Contains((await fixture.StateAsync()).Notes, note => note.StartsWith("Marketing mail will not leave: Marketing mail must show the sender's postal address", StringComparison.Ordinal));

        var offer = Assert.Single(await fixture.QueueAsync(1));
        await fixture.Delivery.SendAllAsync();

        Assert.Equal((MessageState.Accepted, MessageState.Queued), ((await fixture.Delivery.StateAsync(receipt)).State, (await fixture.Delivery.StateAsync(offer)).State));
        var stop = Assert.Single((await fixture.StateAsync()).Stops);
        Assert.Equal((SendingStops.OfSender, MessageStream.Marketing), (stop.Subject, stop.Stream));
        Assert.Contains("postal address", stop.Reason, StringComparison.Ordinal);

        await fixture.Delivery.Get<Senders>().PutAsync(1, new("Shop", "hello@shop.example", null, "1 High Street"), default);
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(offer)).State);
        Assert.Empty((await fixture.StateAsync()).Stops);
        Assert.Equal(2, stub.Calls);
    }

    // Seen red: receipts left for people from mailflow@example.org.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task While_nobody_has_said_whom_mail_comes_from_none_leaves_and_receipts_go_first_once_it_is_said(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        fixture.Delivery.Options = fixture.Delivery.Options with { Sender = new DeliveryOptions().Sender };
        fixture.Start();
        var stub = await fixture.ConnectAsync("main");
        var (receipt, offer) = (Assert.Single(await fixture.QueueAsync(1, MessageStream.Transactional)), Assert.Single(await fixture.QueueAsync(1)));
        await fixture.Delivery.SendAllAsync();

        Assert.Equal((MessageState.Queued, MessageState.Queued), ((await fixture.Delivery.StateAsync(receipt)).State, (await fixture.Delivery.StateAsync(offer)).State));
        var stops = (await fixture.StateAsync()).Stops;
        Assert.Equal([MessageStream.Marketing, MessageStream.Transactional], stops.Select(stop => stop.Stream).Order());
        Assert.All(stops, stop => Assert.Contains("Mail must come from an address of yours", stop.Reason, StringComparison.Ordinal));
        var test = new Trial(null, null, new Dictionary<string, object?>(), new Dictionary<string, object?>());
        Assert.Contains("an address of yours", (await Assert.ThrowsAsync<ConflictException>(() => fixture.Delivery.Get<TrialMail>().SendAsync(1, "welcome", "me@example.org", test, "u", default))).Message, StringComparison.Ordinal);

        await fixture.Delivery.Get<Senders>().PutAsync(1, new("Shop", "hello@shop.example"), default);
        await fixture.Delivery.SendAllAsync();

        Assert.Equal((MessageState.Accepted, MessageState.Queued), ((await fixture.Delivery.StateAsync(receipt)).State, (await fixture.Delivery.StateAsync(offer)).State));
        var left = Assert.Single((await fixture.StateAsync()).Stops);
        Assert.Equal(MessageStream.Marketing, left.Stream);
        Assert.DoesNotContain("address of yours", left.Reason, StringComparison.Ordinal);

        await fixture.Delivery.Get<Senders>().PutAsync(1, new("Shop", "hello@shop.example", null, "1 High Street"), default);
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(offer)).State);
        Assert.Equal(2, stub.Calls);
    }

    // Seen red: it left with a link to opt out that leads to the recipient's own machine.
    [Theory]
    [InlineData("http://localhost:5080", false)]
    [InlineData("http://mail.example.org", false)]
    [InlineData("https://localhost", false)]
    [InlineData("https://127.0.0.1:5001", false)]
    [InlineData("https://[::1]", false)]
    [InlineData("https://10.0.0.7", false)]
    [InlineData("https://mailflow", false)]
    [InlineData("https://mail.example.org", true)]
    [InlineData("https://mail.example.org:8443/mailflow", true)]
    public async Task Without_an_address_for_its_links_it_waits_until_the_server_is_started_with_one(string address, bool leaves)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        fixture.Start(fixture.Delivery.Options with { PublicBaseUrl = address });
        await fixture.ConnectAsync("main");
        var id = Assert.Single(await fixture.QueueAsync(1));
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(leaves ? MessageState.Accepted : MessageState.Queued, (await fixture.Delivery.StateAsync(id)).State);
        if (leaves) return;
        Assert.Contains($"would lead to {address}, which is no public https address", Assert.Single((await fixture.StateAsync()).Stops).Reason, StringComparison.Ordinal);

        fixture.Start();
        await ReviewAsync(fixture);
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(id)).State);
        Assert.Empty((await fixture.StateAsync()).Stops);
    }

    // Seen red: it was lifted while nothing reached anybody, and nobody made it again.
    [Fact]
    public async Task A_stop_outlives_a_time_in_which_all_mail_is_captured_and_holds_none_of_that()
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        await fixture.Delivery.Database.WriteAsync(session => SendingStops.StopAsync(session, [new(1, SendingStops.OfSender, MessageStream.Marketing, "its domain failed")], default), default);
        var id = Assert.Single(await fixture.QueueAsync(1));

        await ReviewAsync(fixture);
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(id)).State);
        Assert.Single((await fixture.StateAsync()).Stops);
    }

    private static Task ReviewAsync(RoutingFixture fixture) => fixture.Delivery.Get<Senders>().ReviewStopsAsync((_, error) => Assert.Fail(error.ToString()), default);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_relay_that_only_shows_what_it_takes_asks_for_nothing(bool isCatcher)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        fixture.Start(fixture.Delivery.Options with { PublicBaseUrl = "http://localhost:5080", Provider = "smtp", Smtp = new SmtpOptions { Host = "catcher.example", IsCatcher = isCatcher } });

        var route = Assert.Single(await fixture.Delivery.Database.ReadAsync(session => fixture.Delivery.Get<ISendingRoutes>().OfAsync(session, 1, default), default));
        Assert.Equal(!isCatcher, route.IsReal);
        Assert.Equal(isCatcher ? 0 : 1, (await fixture.StateAsync()).Notes.Count);
    }
}
