using MailFlow.Audience;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>The answer was lost: the mail may or may not have been taken.</summary>
public sealed class UnknownTests
{
    [Theory]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.AcceptThenDrop)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.AcceptThenDrop)]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Drop)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Drop)]
    public async Task An_idempotent_provider_is_given_the_same_key_again_at_once(DatabaseKind kind, StubAnswer first)
    {
        var stub = new StubProvider { Answer = email => email.Attempt == 1 ? first : StubAnswer.Accept };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();

        Assert.Equal(id, Assert.Single(stub.Taken).Key);
        Assert.Equal(2, stub.Calls);
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
        Assert.Equal("stub: the connection broke", Assert.Single(await fixture.Messages.AnswersAsync(1, id, default)).Answer);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_searchable_provider_is_asked_before_anything_is_sent_again(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Searchable)
        {
            Answer = email => email.Attempt > 1 ? StubAnswer.Accept : email.UserId == "ada" ? StubAnswer.AcceptThenDrop : StubAnswer.Drop,
        };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ada = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var bob = await fixture.QueueAsync(await fixture.ContactAsync("bob"));

        await fixture.SendAllAsync();

        Assert.Equal([(ada, 1), (bob, 2)], stub.Taken.Select(mail => (mail.Key, mail.Attempt)).OrderBy(mail => mail.Item2));
        Assert.Equal(3, stub.Calls);
    }

    // Seen red: it was taken for put off, and sent again unasked.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_in_doubt_that_the_sender_was_too_slow_to_ask_about_is_in_doubt_still(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Searchable) { Answer = email => email.Attempt == 1 ? StubAnswer.AcceptThenDrop : StubAnswer.Accept };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.Start().RunOnceAsync(default);

        await fixture.Start(new At("sender.hand-over.after-commit", () => fixture.Time.Advance(fixture.Options.Lease))).RunOnceAsync(default);
        Assert.Equal((MessageState.Unknown, "stub: the connection broke"), await fixture.StateAsync(id));
        fixture.Start();
        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.SendAllAsync();

        Assert.Equal((id, 1), (Assert.Single(stub.Taken).Key, stub.Calls));
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task With_neither_marketing_mail_ends_unconfirmed_after_the_window(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = _ => StubAnswer.AcceptThenDrop };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromMinutes(14));
        await fixture.SendAllAsync();
        Assert.Equal(MessageState.Unknown, (await fixture.StateAsync(id)).State);
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await fixture.SendAllAsync();

        Assert.Equal(1, stub.Calls);
        Assert.Equal((MessageState.Unconfirmed, "may or may not have been sent (stub: the connection broke); not sent again, because marketing mail must not come twice"), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task With_neither_transactional_mail_is_sent_again_after_the_window(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = email => email.Attempt == 1 ? StubAnswer.Drop : StubAnswer.Accept };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"), message => message with { Stream = MessageStream.Transactional });

        await fixture.SendAllAsync();
        Assert.Empty(stub.Taken);
        fixture.Time.Advance(TimeSpan.FromMinutes(15));
        await fixture.SendAllAsync();

        Assert.Equal(id, Assert.Single(stub.Taken).Key);
    }

    /// <summary>Seen red with the refusal taken for the whole truth.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Refused_when_it_is_sent_again_it_may_still_have_been_taken_the_first_time(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = email => email.Attempt == 1 ? StubAnswer.AcceptThenDrop : StubAnswer.Reject };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"), message => message with { Stream = MessageStream.Transactional });

        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromMinutes(15));
        await fixture.SendAllAsync();

        var (state, reason) = await fixture.StateAsync(id);
        Assert.Equal(MessageState.Unconfirmed, state);
        Assert.StartsWith("may or may not have been sent (stub: the connection broke); refused when it was sent again: ", reason, StringComparison.Ordinal);
    }

    // Seen red: it was put off as if it had never been handed over, and ended as "not sent".
    [Theory]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Defer, "refused")]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Defer, "refused")]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.ProviderTrouble, "refused")]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Defer, "suppressed")]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Defer, "suppressed")]
    public async Task Put_off_when_it_is_sent_again_it_may_still_have_been_taken_the_first_time(DatabaseKind kind, StubAnswer again, string then)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = email => email.Attempt == 1 ? StubAnswer.AcceptThenDrop : email.Attempt == 2 ? again : StubAnswer.Reject };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"), message => message with { Stream = MessageStream.Transactional });
        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromMinutes(15));
        await fixture.SendAllAsync();
        Assert.Equal((MessageState.Unknown, "stub: the connection broke"), await fixture.StateAsync(id));
        Assert.Equal(2, stub.Calls);

        if (then == "suppressed") await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "complaint", null, "webhook", default);
        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.SendAllAsync();

        Assert.Equal(then == "refused" ? 3 : 2, stub.Calls);
        var (state, reason) = await fixture.StateAsync(id);
        Assert.Equal(MessageState.Unconfirmed, state);
        Assert.StartsWith($"may or may not have been sent (stub: the connection broke); {(then == "refused" ? "refused when it was sent again: " : "not sent again: ")}", reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Whoever_is_suppressed_meanwhile_is_not_sent_it_again(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Drop };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.Get<MessageSender>().RunOnceAsync(default);
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "complaint", null, "webhook", default);
        await fixture.SendAllAsync();

        Assert.Equal(1, stub.Calls);
        Assert.Equal(
            (MessageState.Unconfirmed, "may or may not have been sent (stub: the connection broke); not sent again: suppressed after spam complaint on 5 January 2026"),
            await fixture.StateAsync(id));
    }

    // Seen red: it ended as unconfirmed, unasked.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "suppressed", StubAnswer.AcceptThenDrop, MessageState.Accepted, null)]
    [InlineData(DatabaseKind.Sqlite, "cancelled", StubAnswer.AcceptThenDrop, MessageState.Accepted, null)]
    [InlineData(DatabaseKind.Sqlite, "no address", StubAnswer.AcceptThenDrop, MessageState.Accepted, null)]
    [InlineData(DatabaseKind.PostgreSql, "suppressed", StubAnswer.AcceptThenDrop, MessageState.Accepted, null)]
    [InlineData(DatabaseKind.Sqlite, "suppressed", StubAnswer.Drop, MessageState.Suppressed, "not sent: suppressed for marketing after unsubscribing on 5 January 2026")]
    [InlineData(DatabaseKind.Sqlite, "cancelled", StubAnswer.Drop, MessageState.Cancelled, "not sent: the journey was left")]
    [InlineData(DatabaseKind.PostgreSql, "suppressed", StubAnswer.Drop, MessageState.Suppressed, "not sent: suppressed for marketing after unsubscribing on 5 January 2026")]
    public async Task A_searchable_provider_is_asked_about_a_mail_that_would_not_be_sent_again(DatabaseKind kind, string why, StubAnswer first, MessageState end, string? reason)
    {
        var stub = new StubProvider(ReplayPolicy.Searchable) { Answer = _ => first };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var contact = await fixture.ContactAsync("ada");
        var id = await fixture.QueueAsync(contact);
        await fixture.Get<MessageSender>().RunOnceAsync(default);
        if (why == "suppressed") await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "unsubscribed", "marketing", "unsubscribe", default);
        else if (why == "no address") await fixture.ContactAsync("ada", "");
        else await fixture.Database.WriteAsync(session => Ledger.CancelOfContactAsync(session, contact.Id, "the journey was left", fixture.Now, default), default);

        await fixture.SendAllAsync();

        Assert.Equal(1, stub.Calls);
        Assert.Equal((end, reason), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_in_doubt_that_the_provider_never_got_goes_to_the_address_that_the_contact_has_got_since(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Searchable) { Answer = email => email.Attempt == 1 ? StubAnswer.Drop : StubAnswer.Accept };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada", "old@example.org"));
        await fixture.Get<MessageSender>().RunOnceAsync(default);
        await fixture.ContactAsync("ada", "new@example.org");

        await fixture.SendAllAsync();

        Assert.Equal("new@example.org", Assert.Single(stub.Taken).To);
        Assert.Equal((MessageState.Accepted, "new@example.org"), await fixture.FindAsync(id) is var message ? (message.State, message.To) : default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_provider_that_loses_every_answer_is_given_up_in_the_end(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Drop };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        for (var hour = 0; hour <= 74; hour++)
        {
            await fixture.SendAllAsync();
            fixture.Time.Advance(TimeSpan.FromHours(1));
        }

        Assert.InRange(stub.Calls, 70, 80);
        Assert.Equal((MessageState.Unconfirmed, "may or may not have been sent (stub: the connection broke); nobody could say in time"), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_provider_that_never_answers_is_cancelled_at_its_time_out(DatabaseKind kind)
    {
        var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = _ => StubAnswer.Stall, OnSend = _ => called.TrySetResult() };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        var round = fixture.Get<MessageSender>().RunOnceAsync(default);
        await called.Task;
        fixture.Time.Advance(stub.RequestTimeout);
        await round;

        Assert.Equal((MessageState.Unknown, "stub: no answer within 30 seconds"), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_sent_through_another_provider_than_the_present_one_is_not_replayed_there(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind, new StubProvider(ReplayPolicy.Neither) { Answer = _ => StubAnswer.AcceptThenDrop });
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.SendAllAsync();

        fixture.Provider = null; // the sandbox, which is idempotent, but has never seen this mail
        fixture.Start();
        fixture.Time.Advance(TimeSpan.FromMinutes(15));
        await fixture.SendAllAsync();

        Assert.Equal(MessageState.Unconfirmed, (await fixture.StateAsync(id)).State);
        Assert.Empty((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items);
        Assert.Equal(MessageStream.Marketing, (await fixture.FindAsync(id)).Stream);
    }
}
