using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Routing;

public sealed class RoutingTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Mail_is_spread_over_the_connections_by_their_weights(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("large", draft: new(MarketingWeight: 75));
        await fixture.ConnectAsync("small", draft: new(MarketingWeight: 25));
        await fixture.ConnectAsync("receipts", draft: new(MarketingWeight: 0));
        await fixture.Delivery.QueueManyAsync(400);

        await fixture.Delivery.SendAllAsync();

        var by = fixture.Log.CountBy(entry => entry.Connection).ToDictionary();
        Assert.Equal(400, fixture.Log.Select(entry => entry.To).Distinct().Count());
        Assert.InRange(by["large"], 260, 340);
        Assert.Equal(400 - by["large"], by["small"]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_ledger_names_the_connection_and_an_account_without_any_sends_by_the_servers_provider(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        var own = await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada"));
        await fixture.Delivery.TemplateAsync("welcome", "Hi", account: 2);
        var other = await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("bob", account: 2));

        await fixture.Delivery.SendAllAsync();

        Assert.Equal("main", (await fixture.Delivery.FindAsync(own)).Provider);
        Assert.Equal("sandbox", (await fixture.Delivery.FindAsync(other, account: 2)).Provider);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_connection_that_fails_is_left_alone_and_the_mail_leaves_by_the_other(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var broken = await fixture.ConnectAsync("broken");
        var sound = await fixture.ConnectAsync("sound");
        broken.Answer = _ => StubAnswer.ProviderTrouble;
        var ids = await fixture.Delivery.QueueManyAsync(200);

        await fixture.RunAsync(TimeSpan.FromSeconds(29), TimeSpan.FromSeconds(1));
        var callsWhileOpen = broken.Calls;
        Assert.NotNull((await fixture.StateAsync()).Routes.Single(route => route.Key == "broken").OpenUntil);
        await fixture.RunAsync(TimeSpan.FromMinutes(3), TimeSpan.FromSeconds(10));

        Assert.Equal(200, sound.Taken.Count);
        Assert.All(ids, id => Assert.Equal(MessageState.Accepted, fixture.Delivery.StateAsync(id).Result.State));
        Assert.InRange(callsWhileOpen, 10, 200);
        Assert.InRange(broken.Calls - callsWhileOpen, 0, 5); // one try each time the pause is over
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_connection_that_works_again_is_used_again(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var main = await fixture.ConnectAsync("main");
        main.Answer = email => fixture.Delivery.Time.GetUtcNow().Minute < 2 ? StubAnswer.ProviderTrouble : StubAnswer.Accept;
        await fixture.Delivery.QueueManyAsync(100);

        await fixture.RunAsync(TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(5));

        Assert.Equal(100, main.Taken.Count);
        Assert.Null((await fixture.StateAsync()).Routes.Single().OpenUntil);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_provider_that_asks_for_a_pause_gets_it_for_all_mail(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var main = await fixture.ConnectAsync("main");
        main.RetryAfter = TimeSpan.FromMinutes(2);
        main.Answer = email => main.Calls <= 1 ? StubAnswer.ProviderTrouble : StubAnswer.Accept;
        await fixture.QueueAsync(1);
        await fixture.Delivery.SendAllAsync();
        await fixture.QueueAsync(5, domain: "example.net");

        await fixture.RunAsync(TimeSpan.FromSeconds(119), TimeSpan.FromSeconds(7));
        Assert.Equal(1, main.Calls);
        await fixture.RunAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(5));

        Assert.Equal(6, main.Taken.Count);
    }

    [Fact]
    public async Task A_pause_that_a_provider_asks_for_counts_from_its_answer()
    {
        // Seen red: the pause was over before it began, and the provider was called again.
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        var main = await fixture.ConnectAsync("main");
        main.RetryAfter = TimeSpan.FromSeconds(20);
        main.Answer = _ => StubAnswer.ProviderTrouble;
        var log = main.OnSend;
        main.OnSend = email =>
        {
            log(email);
            fixture.Delivery.Time.Advance(TimeSpan.FromSeconds(25));
        };
        await fixture.QueueAsync(1);
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        main.OnSend = log;

        await fixture.QueueAsync(1, domain: "other.example");
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(1, main.Calls);
        Assert.Equal(fixture.Delivery.Now + 20_000, (await fixture.StateAsync()).Routes.Single().OpenUntil?.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_provider_of_which_every_call_times_out_is_left_alone_from_then_on()
    {
        // Seen red: the route was open again when the calls had timed out.
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        var main = await fixture.ConnectAsync("main");
        main.Answer = _ => StubAnswer.Drop;
        var (log, calls) = (main.OnSend, 0);
        main.OnSend = email =>
        {
            log(email);
            if (Interlocked.Increment(ref calls) == 1) fixture.Delivery.Time.Advance(TimeSpan.FromSeconds(31));
        };
        await fixture.QueueAsync(20, MessageStream.Transactional);

        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);

        Assert.NotNull((await fixture.StateAsync()).Routes.Single().OpenUntil);
    }

    [Fact]
    public void A_provider_whose_calls_time_out_one_at_a_time_is_left_alone_after_ten()
    {
        var breaker = new CircuitBreaker();
        var now = 0L;
        for (var calls = 1; calls < 10; calls++) breaker.Record(1, 1, pause: null, now += 31_000);
        Assert.Null(breaker.OpenUntil(now));
        breaker.Record(1, 1, pause: null, now += 31_000);
        Assert.Equal(now + 30_000, breaker.OpenUntil(now));
    }

    [Fact]
    public async Task A_provider_that_asks_for_an_hour_gets_an_hour_and_one_that_asks_for_a_day_two_hours()
    {
        // Seen red: either got ten minutes.
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        var (hour, day) = (await fixture.ConnectAsync("hour"), await fixture.ConnectAsync("day"));
        foreach (var (stub, asked) in new[] { (hour, TimeSpan.FromHours(1)), (day, TimeSpan.FromDays(1)) })
        {
            stub.RetryAfter = asked;
            stub.Answer = _ => StubAnswer.ProviderTrouble;
        }
        await fixture.QueueAsync(20);
        await fixture.Delivery.SendAllAsync();

        var routes = (await fixture.StateAsync()).Routes.ToDictionary(route => route.Key, route => route.OpenUntil?.ToUnixTimeMilliseconds() - fixture.Delivery.Now);
        Assert.Equal((3_600_000, 7_200_000), (routes["hour"], routes["day"]));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Refused_credentials_stop_the_connection_until_somebody_has_mended_it_and_nothing_is_lost(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var main = await fixture.ConnectAsync("main");
        main.Fault = new HandOver.SenderFault("the API key is refused: make another one", FaultScope.Connection);
        main.Answer = _ => StubAnswer.SenderFault;
        var ids = await fixture.QueueAsync(3);

        await fixture.RunAsync(TimeSpan.FromDays(5), TimeSpan.FromHours(6));
        var calls = main.Calls;
        var state = await fixture.StateAsync();
        main.Answer = _ => StubAnswer.Accept;
        Assert.True(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "connection:main", default));
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(3, calls); // what was under way together, and nothing after it
        Assert.Equal([("connection:main", MessageStream.Marketing), ("connection:main", MessageStream.Transactional)], state.Stops.Select(stop => (stop.Subject, stop.Stream)).Order());
        Assert.Contains("the API key is refused: make another one", state.Notes[0]);
        Assert.All(ids, id => Assert.Equal(MessageState.Accepted, fixture.Delivery.StateAsync(id).Result.State));
        Assert.False(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "connection:main", default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domain_that_fails_authentication_stops_its_stream_by_whatever_connection(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var first = await fixture.ConnectAsync("first");
        var second = await fixture.ConnectAsync("second");
        first.Fault = second.Fault = new HandOver.SenderFault("550 5.7.515 the sending domain does not meet the required authentication level", FaultScope.Domain);
        first.Answer = second.Answer = email => email.UserId.StartsWith("marketing", StringComparison.Ordinal) ? StubAnswer.SenderFault : StubAnswer.Accept;
        await fixture.QueueAsync(1);
        await fixture.Delivery.SendAllAsync();
        await fixture.QueueAsync(10, domain: "example.net");
        await fixture.QueueAsync(4, MessageStream.Transactional);

        await fixture.RunAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(5));

        Assert.Equal(5, first.Calls + second.Calls);
        Assert.Equal(4, first.Taken.Count + second.Taken.Count);
        Assert.Equal("domain:shop.example", Assert.Single((await fixture.StateAsync()).Stops).Subject);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_lost_answer_is_settled_by_the_connection_that_lost_it_whatever_the_weights(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var searchable = await fixture.ConnectAsync("searchable", ReplayPolicy.Searchable, new(MarketingWeight: 1));
        searchable.Answer = _ => StubAnswer.AcceptThenDrop;
        var id = (await fixture.QueueAsync(1))[0];
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        await fixture.ConnectAsync("other", draft: new(MarketingWeight: 100));

        await fixture.Delivery.SendAllAsync();

        Assert.Single(fixture.Log);
        Assert.Equal((MessageState.Accepted, "searchable"), (await fixture.Delivery.FindAsync(id) is var message ? (message.State, message.Provider) : default));
    }

    // Seen red: put off, it was no longer in doubt, left by the other connection as well, and was called not sent where somebody was suppressed.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Defer)]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.ProviderTrouble)]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.SenderFault)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Defer)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.ProviderTrouble)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.SenderFault)]
    public async Task A_mail_in_doubt_that_its_connection_puts_off_is_in_doubt_still(DatabaseKind kind, StubAnswer second)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var (first, other) = (await fixture.ConnectAsync("first"), await fixture.ConnectAsync("other"));
        first.Answer = other.Answer = email => email.Attempt switch { 1 => StubAnswer.AcceptThenDrop, 2 => second, _ => StubAnswer.Accept };
        var ids = await fixture.QueueAsync(20);
        await fixture.Start().RunOnceAsync(default);
        await fixture.Start().RunOnceAsync(default);

        Assert.All(ids, id => Assert.Equal((MessageState.Unknown, "stub: the connection broke"), fixture.Delivery.StateAsync(id).Result));
        Assert.Contains(await fixture.Delivery.Messages.AnswersAsync(1, ids[0], default), answer => answer.Answer == (second switch
        {
            StubAnswer.Defer => "451 try again later",
            StubAnswer.ProviderTrouble => "503 unavailable",
            _ => "the API key is refused",
        }));
        foreach (var stop in await fixture.Delivery.Get<SendingStops>().ListAsync(1, default)) await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, stop.Subject, default);
        await fixture.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(1));

        Assert.Equal(20, first.Taken.Count + other.Taken.Count);
        Assert.All(ids, id => Assert.Equal(MessageState.Accepted, fixture.Delivery.StateAsync(id).Result.State));
    }

    // Seen red: sent again by the other connection, and of a drained one nobody was asked for 72 hours.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "disabled", ReplayPolicy.Searchable)]
    [InlineData(DatabaseKind.Sqlite, "disabled", ReplayPolicy.Idempotent)]
    [InlineData(DatabaseKind.Sqlite, "drained", ReplayPolicy.Searchable)]
    [InlineData(DatabaseKind.Sqlite, "drained", ReplayPolicy.Idempotent)]
    [InlineData(DatabaseKind.Sqlite, "region", ReplayPolicy.Searchable)]
    [InlineData(DatabaseKind.PostgreSql, "disabled", ReplayPolicy.Searchable)]
    [InlineData(DatabaseKind.PostgreSql, "drained", ReplayPolicy.Searchable)]
    [InlineData(DatabaseKind.PostgreSql, "region", ReplayPolicy.Searchable)]
    public async Task A_connection_that_takes_no_mail_any_more_still_settles_the_answers_that_it_lost(DatabaseKind kind, string how, ReplayPolicy replay)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var (one, ids) = await InDoubtAsync(fixture, replay, StubAnswer.AcceptThenDrop);
        var two = await fixture.ConnectAsync("two", replay, new(Region: "eu"));
        await LeaveAsync(fixture, how);

        await fixture.RunAsync(TimeSpan.FromHours(80), TimeSpan.FromHours(1));

        Assert.Equal((2, 0), (one.Taken.Count, two.Taken.Count)); // each recipient has it once
        Assert.All(ids, id => Assert.Equal(MessageState.Accepted, fixture.Delivery.StateAsync(id).Result.State));
    }

    // Seen red: the marketing mail never left, and of a drained one the receipt neither.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "disabled")]
    [InlineData(DatabaseKind.Sqlite, "drained")]
    [InlineData(DatabaseKind.Sqlite, "region")]
    [InlineData(DatabaseKind.PostgreSql, "disabled")]
    public async Task What_a_connection_that_takes_no_mail_any_more_never_got_leaves_by_another(DatabaseKind kind, string how)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var (one, ids) = await InDoubtAsync(fixture, ReplayPolicy.Searchable, StubAnswer.Drop);
        var two = await fixture.ConnectAsync("two", draft: new(Region: "eu"));
        await LeaveAsync(fixture, how);

        await fixture.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(1));

        Assert.Equal((0, 2), (one.Taken.Count, two.Taken.Count));
        Assert.Equal(2, one.Calls); // it was asked, and given nothing
        Assert.All(ids, id => Assert.Equal(MessageState.Accepted, fixture.Delivery.StateAsync(id).Result.State));
    }

    // Seen red: the receipt left by the other one.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_idempotent_connection_outside_the_accounts_region_is_not_given_a_mail_again_and_neither_is_another(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var (one, ids) = await InDoubtAsync(fixture, ReplayPolicy.Idempotent, StubAnswer.Drop);
        var two = await fixture.ConnectAsync("two", draft: new(Region: "eu"));
        await LeaveAsync(fixture, "region");

        await fixture.RunAsync(TimeSpan.FromHours(80), TimeSpan.FromHours(1));

        Assert.Equal((0, 0), (one.Taken.Count, two.Taken.Count));
        Assert.All(ids, id => Assert.Equal(MessageState.Unconfirmed, fixture.Delivery.StateAsync(id).Result.State));
    }

    /// <summary>A marketing mail and a receipt whose answers connection one has lost.</summary>
    private static async Task<(StubProvider One, IReadOnlyList<Guid> Ids)> InDoubtAsync(RoutingFixture fixture, ReplayPolicy replay, StubAnswer first)
    {
        var one = await fixture.ConnectAsync("one", replay, new(Region: "us"));
        one.Answer = email => email.Attempt == 1 ? first : StubAnswer.Accept;
        List<Guid> ids = [.. await fixture.QueueAsync(1), .. await fixture.QueueAsync(1, MessageStream.Transactional)];
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        Assert.All(ids, id => Assert.Equal(MessageState.Unknown, fixture.Delivery.StateAsync(id).Result.State));
        return (one, ids);
    }

    private static Task LeaveAsync(RoutingFixture fixture, string how) => how == "region"
        ? fixture.Delivery.Get<AccountSettings>().PutAsync(1, "One", "eu", default)
        : fixture.Delivery.Get<Connections>().PutAsync(1, "one", how == "disabled" ? new(Enabled: false) : new(MarketingWeight: 0, TransactionalWeight: 0), default);

    // Seen red: sent again by the account's first connection.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_servers_own_provider_settles_its_doubts_after_the_account_has_got_connections(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var own = new StubProvider(ReplayPolicy.Searchable) { Answer = _ => StubAnswer.AcceptThenDrop };
        fixture.Delivery.Provider = own;
        fixture.Start();
        var id = (await fixture.QueueAsync(1, MessageStream.Transactional))[0];
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        await fixture.ConnectAsync("main");

        await fixture.RunAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(10));

        Assert.Single(own.Taken);
        Assert.Empty(fixture.Log);
        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(id)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Transactional_mail_leaves_before_marketing_that_was_queued_long_before(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main", draft: new(PerSecond: 10));
        await fixture.QueueAsync(60);
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(1));
        await fixture.QueueAsync(10, MessageStream.Transactional);

        await fixture.RunAsync(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1));

        Assert.All(fixture.Log.Take(10), entry => Assert.StartsWith("transactional", entry.To));
        Assert.Equal(70, fixture.Log.Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_stream_that_no_connection_takes_waits_and_the_overview_says_so(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("receipts", draft: new(MarketingWeight: 0));
        await fixture.QueueAsync(2);

        await fixture.Delivery.SendAllAsync();

        var state = await fixture.StateAsync();
        Assert.Empty(fixture.Log);
        Assert.Equal(2, state.Waiting[MessageStream.Marketing]);
        Assert.Contains(state.Notes, note => note.StartsWith("No connection takes marketing mail", StringComparison.Ordinal));
    }

    // Seen red: the refusal was taken for the whole truth.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, ReplayPolicy.Idempotent, StubAnswer.Reject, MessageState.Unconfirmed)]
    [InlineData(DatabaseKind.PostgreSql, ReplayPolicy.Searchable, StubAnswer.Reject, MessageState.Unconfirmed)]
    [InlineData(DatabaseKind.Sqlite, ReplayPolicy.Searchable, StubAnswer.Reject, MessageState.Unconfirmed)]
    [InlineData(DatabaseKind.Sqlite, ReplayPolicy.Neither, StubAnswer.Accept, MessageState.Accepted)]
    public async Task A_mail_in_doubt_that_a_forgetful_connection_put_off_may_leave_by_another_whose_refusal_leaves_the_doubt(
        DatabaseKind kind, ReplayPolicy replay, StubAnswer last, MessageState end)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var relay = await fixture.ConnectAsync("relay", ReplayPolicy.Neither);
        relay.Answer = email => email.Attempt == 1 ? StubAnswer.AcceptThenDrop : StubAnswer.Defer;
        var id = Assert.Single(await fixture.QueueAsync(1, MessageStream.Transactional));
        await fixture.Delivery.SendAllAsync();
        var other = await fixture.ConnectAsync("other", replay);
        other.Answer = _ => other.Calls == 1 ? StubAnswer.Defer : last;

        await fixture.RunAsync(TimeSpan.FromHours(70), TimeSpan.FromMinutes(15));

        Assert.InRange(relay.Calls, 2, 60);
        Assert.Equal(2, other.Calls);
        Assert.Equal(end, (await fixture.Delivery.StateAsync(id)).State);
    }

    // Seen red: the row named the other, which had never had it.
    [Theory]
    [InlineData(ReplayPolicy.Idempotent)]
    [InlineData(ReplayPolicy.Searchable)]
    public async Task A_mail_in_doubt_that_another_connection_was_not_reached_with_is_not_called_unsent_when_that_refuses_it(ReplayPolicy replay)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        (await fixture.ConnectAsync("gone")).Answer = _ => StubAnswer.AcceptThenDrop;
        var id = Assert.Single(await fixture.QueueAsync(1, MessageStream.Transactional));
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        var other = await fixture.ConnectAsync("other", replay);
        other.Answer = _ => StubAnswer.Reject;
        await fixture.Delivery.Get<Connections>().DeleteAsync(1, "gone", default);
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(15));
        var sender = fixture.Start(services: with => with.AddSingleton<IFaultPoints>(new At("sender.hand-over.after-commit", () => fixture.Delivery.Time.Advance(fixture.Delivery.Options.Lease))));
        await sender.RunOnceAsync(default);
        Assert.Equal(0, other.Calls);
        fixture.Start();
        await fixture.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(15));
        Assert.Equal(MessageState.Unconfirmed, (await fixture.Delivery.StateAsync(id)).State);
    }

    // Seen red: it was given up without being asked.
    [Fact]
    public async Task A_mail_in_doubt_at_a_connection_that_was_stopped_for_long_is_asked_for_when_it_resumes()
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        var main = await fixture.ConnectAsync("main", ReplayPolicy.Searchable);
        main.Answer = email => email.Attempt == 1 ? StubAnswer.Drop : StubAnswer.Accept;
        var id = Assert.Single(await fixture.QueueAsync(1));
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        await fixture.Delivery.Database.WriteAsync(session => SendingStops.StopAsync(session, [new(1, "connection:main", MessageStream.Marketing, "x"), new(1, "connection:main", MessageStream.Transactional, "x")], default), default);
        await fixture.RunAsync(TimeSpan.FromHours(73), TimeSpan.FromHours(1));
        Assert.True(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "connection:main", default));
        await fixture.Delivery.SendAllAsync();
        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(id)).State);
    }

    // Seen red: it was refused by one that had never seen it, and so called "not sent".
    [Theory]
    [InlineData(ReplayPolicy.Idempotent)]
    [InlineData(ReplayPolicy.Searchable)]
    public async Task A_mail_in_doubt_whose_connection_is_gone_is_not_called_unsent_because_another_refuses_it(ReplayPolicy replay)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        (await fixture.ConnectAsync("gone")).Answer = _ => StubAnswer.AcceptThenDrop;
        var id = Assert.Single(await fixture.QueueAsync(1, MessageStream.Transactional));
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        (await fixture.ConnectAsync("other", replay)).Answer = _ => StubAnswer.Reject;
        await fixture.Delivery.Get<Connections>().DeleteAsync(1, "gone", default);

        await fixture.RunAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(15));

        Assert.Equal(MessageState.Unconfirmed, (await fixture.Delivery.StateAsync(id)).State);
    }
}
