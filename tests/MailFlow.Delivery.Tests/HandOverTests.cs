using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>What is looked at in the moment a mail is handed over, not when it was queued.</summary>
public sealed class HandOverTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_queued_mail_is_rendered_and_handed_over_once(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();
        await fixture.SendAllAsync();

        Assert.Equal(new TakenMail(id, "ada@example.org", "Welcome ada", 1), Assert.Single(stub.Taken));
        var message = await fixture.FindAsync(id);
        Assert.Equal((MessageState.Accepted, 1, "ada@example.org", "stub", $"stub-{id:n}", null), (message.State, message.Attempt, message.To, message.Provider, message.ProviderId, message.Reason));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Suppressed_between_queue_and_hand_over_means_not_sent_and_says_why(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.Get<Suppressions>().AddAsync(1, "Ada@example.org", "hard_bounce", null, "webhook", default);
        await fixture.SendAllAsync();

        Assert.Empty(stub.Taken);
        Assert.Equal((MessageState.Suppressed, "not sent: suppressed after hard bounce on 5 January 2026"), await fixture.StateAsync(id));
    }

    [Fact]
    public async Task A_suppression_that_is_committed_after_the_checks_and_before_the_hand_overs_commit_stops_the_mail()
    {
        // Of PostgreSQL alone: SQLite has one writer at a time.
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.PostgreSql, stub);
        var (suppressed, other) = (await fixture.QueueAsync(await fixture.ContactAsync("ada")), await fixture.QueueAsync(await fixture.ContactAsync("bob")));
        var meanwhile = new OnceAt("sender.hand-over.before-commit",
            () => fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "unsubscribed", "marketing", "one_click", default));

        await fixture.SendAllAsync(fixture.Start(meanwhile));

        Assert.True(meanwhile.Done);
        Assert.Equal(other, Assert.Single(stub.Taken).Key);
        Assert.Equal((MessageState.Suppressed, MessageState.Accepted), ((await fixture.StateAsync(suppressed)).State, (await fixture.StateAsync(other)).State));
    }

    [Theory]
    [InlineData("newsletter")]
    [InlineData("marketing")]
    public async Task A_consent_that_is_withdrawn_after_the_checks_and_before_the_hand_overs_commit_stops_the_mail(string withdrawn)
    {
        // As above. Seen red.
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.PostgreSql, stub);
        var (ada, bob) = (await fixture.ContactAsync("ada"), await fixture.ContactAsync("bob"));
        foreach (var contact in new[] { ada, bob }) await RecordConsentAsync(fixture, contact, true);
        fixture.Time.Advance(TimeSpan.FromHours(1));
        var stopped = await fixture.QueueAsync(ada, message => message with { Purpose = "newsletter" });
        var other = await fixture.QueueAsync(bob, message => message with { Purpose = "newsletter" });
        var meanwhile = new OnceAt("sender.hand-over.before-commit", () => RecordConsentAsync(fixture, ada, false, withdrawn));

        await fixture.SendAllAsync(fixture.Start(meanwhile));

        Assert.True(meanwhile.Done);
        Assert.Equal(other, Assert.Single(stub.Taken).Key);
        Assert.Equal((MessageState.Suppressed, MessageState.Accepted), ((await fixture.StateAsync(stopped)).State, (await fixture.StateAsync(other)).State));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_suppression_for_marketing_lets_a_receipt_through(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var contact = await fixture.ContactAsync("ada");
        var marketing = await fixture.QueueAsync(contact);
        var receipt = await fixture.QueueAsync(contact, message => message with { Stream = MessageStream.Transactional });

        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "unsubscribed", "marketing", "api", default);
        await fixture.SendAllAsync();

        Assert.Equal(MessageState.Suppressed, (await fixture.StateAsync(marketing)).State);
        Assert.Equal(receipt, Assert.Single(stub.Taken).Key);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Without_consent_to_the_journeys_purpose_nothing_is_sent(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var (ada, bob) = (await fixture.ContactAsync("ada"), await fixture.ContactAsync("bob"));
        await RecordConsentAsync(fixture, ada, true);
        var sent = await fixture.QueueAsync(ada, message => message with { Purpose = "newsletter" });
        var withheld = await fixture.QueueAsync(bob, message => message with { Purpose = "newsletter" });
        await fixture.SendAllAsync();
        await RecordConsentAsync(fixture, ada, false);
        var withdrawn = await fixture.QueueAsync(ada, message => message with { Purpose = "newsletter" });
        await fixture.SendAllAsync();

        Assert.Equal(sent, Assert.Single(stub.Taken).Key);
        Assert.Equal((MessageState.Suppressed, "not sent: no consent to 'newsletter'"), await fixture.StateAsync(withheld));
        Assert.Equal(MessageState.Suppressed, (await fixture.StateAsync(withdrawn)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Marketing_mail_of_no_purpose_goes_to_whom_said_nothing_and_not_to_whom_refused_marketing(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var (ada, bob, cleo) = (await fixture.ContactAsync("ada"), await fixture.ContactAsync("bob"), await fixture.ContactAsync("cleo"));
        await RecordConsentAsync(fixture, bob, false, "marketing");
        await RecordConsentAsync(fixture, cleo, false, "marketing");
        await RecordConsentAsync(fixture, cleo, true, "marketing");
        var silent = await fixture.QueueAsync(ada);
        var refused = await fixture.QueueAsync(bob);
        var receipt = await fixture.QueueAsync(bob, message => message with { Stream = MessageStream.Transactional });
        var changedMind = await fixture.QueueAsync(cleo);

        await fixture.SendAllAsync();

        Assert.Equal(new HashSet<Guid> { silent, receipt, changedMind }, stub.Taken.Select(taken => taken.Key).ToHashSet());
        Assert.Equal((MessageState.Suppressed, "not sent: the contact has refused marketing mail"), await fixture.StateAsync(refused));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_a_refusal_of_marketing_and_a_yes_to_the_purpose_the_later_holds_and_the_refusal_of_two_at_once(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var (before, after, again, atOnce) = (await fixture.ContactAsync("a"), await fixture.ContactAsync("b"), await fixture.ContactAsync("c"), await fixture.ContactAsync("d"));
        foreach (var contact in new[] { before, again }) await RecordConsentAsync(fixture, contact, true);
        fixture.Time.Advance(TimeSpan.FromDays(1));
        foreach (var contact in new[] { before, after, again, atOnce }) await RecordConsentAsync(fixture, contact, false, "marketing");
        await RecordConsentAsync(fixture, atOnce, true);
        fixture.Time.Advance(TimeSpan.FromDays(1));
        foreach (var contact in new[] { after, again }) await RecordConsentAsync(fixture, contact, true);
        await RecordConsentAsync(fixture, before, true, proof: new(ConsentBasis.Implied)); // by an order, say

        var ids = new List<Guid>();
        foreach (var contact in new[] { before, after, again, atOnce }) ids.Add(await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter" }));
        await fixture.SendAllAsync();

        Assert.Equal(new HashSet<Guid> { ids[1], ids[2] }, stub.Taken.Select(taken => taken.Key).ToHashSet());
        foreach (var id in new[] { ids[0], ids[3] })
            Assert.Equal((MessageState.Suppressed, "not sent: the contact has refused marketing mail"), await fixture.StateAsync(id));
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, null, "not sent: the contact has no e-mail address")]
    [InlineData(DatabaseKind.PostgreSql, null, "not sent: the contact has no e-mail address")]
    [InlineData(DatabaseKind.Sqlite, "ada@localhost", "not sent: the contact's e-mail address cannot be used: the domain has no dot")]
    public async Task A_contact_who_cannot_be_mailed_is_passed_over_with_the_reason(DatabaseKind kind, string? email, string reason)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var contact = await fixture.ContactAsync("ada", null);
        await fixture.Database.WriteAsync(session => session.ExecuteAsync("UPDATE contact SET email = @email WHERE id = @id", default, ("email", email), ("id", contact.Id)), default);
        var id = await fixture.QueueAsync(contact);

        await fixture.SendAllAsync();

        Assert.Empty(stub.Taken);
        Assert.Equal((MessageState.Suppressed, reason), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_address_and_the_fields_are_those_of_the_hand_over(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.ContactAsync("ada", "ada@new.example");
        await fixture.SendAllAsync();

        Assert.Equal("ada@new.example", Assert.Single(stub.Taken).To);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_that_was_to_be_sent_earlier_expires(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"), message => message with { ExpiresAt = fixture.Now + 3600_000 });

        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.SendAllAsync();

        Assert.Empty(stub.Taken);
        Assert.Equal((MessageState.Expired, "not sent: it was to be sent before 5 January 2026 10:00 UTC"), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_gate_that_refuses_cancels(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        fixture.Gates.Add(new Gate("bob", "the contact has placed an order"));
        fixture.Start();
        var sent = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var refused = await fixture.QueueAsync(await fixture.ContactAsync("bob"));

        await fixture.SendAllAsync();

        Assert.Equal(sent, Assert.Single(stub.Taken).Key);
        Assert.Equal((MessageState.Cancelled, "not sent: the contact has placed an order"), await fixture.StateAsync(refused));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Mail_of_a_paused_journey_is_held_and_goes_out_on_resume(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var (paused, running) = (await fixture.JourneyAsync("paused"), await fixture.JourneyAsync("running"));
        await fixture.PauseAsync(paused, true);
        var contact = await fixture.ContactAsync("ada");
        var held = await fixture.QueueAsync(contact, message => message with { JourneyId = paused });
        var sent = await fixture.QueueAsync(contact, message => message with { JourneyId = running });

        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromDays(40));
        await fixture.SendAllAsync();
        var before = await fixture.FindAsync(held);
        await fixture.PauseAsync(paused, false);
        await fixture.SendAllAsync();

        Assert.Equal((MessageState.Queued, true), (before.State, before.Held));
        Assert.Equal([sent, held], stub.Taken.Select(mail => mail.Key));
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(held)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_end_of_an_instance_calls_off_what_it_has_queued_and_nothing_else(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var contact = await fixture.ContactAsync("ada");
        var (ended, other) = (StableHash.Key("ended"), StableHash.Key("other"));
        var cancelled = await fixture.QueueAsync(contact, message => message with { InstanceId = ended });
        var kept = await fixture.QueueAsync(contact, message => message with { InstanceId = other });

        await fixture.Database.WriteAsync(session => fixture.Get<IInstanceEnded>().OnEndedAsync(session, [ended], "the contact placed an order", default), default);
        await fixture.SendAllAsync();

        Assert.Equal((MessageState.Cancelled, "not sent: the contact placed an order"), await fixture.StateAsync(cancelled));
        Assert.Equal(kept, Assert.Single(stub.Taken).Key);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Accept, MessageState.Accepted, null)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Accept, MessageState.Accepted, null)]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Defer, MessageState.Cancelled, "not sent: the contact placed an order")]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Defer, MessageState.Cancelled, "not sent: the contact placed an order")]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Drop, MessageState.Unconfirmed, "may or may not have been sent (stub: the connection broke); not sent again: the contact placed an order")]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Drop, MessageState.Unconfirmed, "may or may not have been sent (stub: the connection broke); not sent again: the contact placed an order")]
    public async Task Mail_under_way_when_its_instance_ends_is_not_tried_again(DatabaseKind kind, StubAnswer answer, MessageState end, string? reason)
    {
        var stub = new StubProvider { Answer = _ => answer };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var instance = StableHash.Key("ended");
        var journey = await fixture.JourneyAsync();
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"), message => message with { InstanceId = instance, JourneyId = journey });
        stub.OnSend = _ => fixture.Database.WriteAsync(
            session => fixture.Get<IInstanceEnded>().OnEndedAsync(session, [instance], "the contact placed an order", default), default).GetAwaiter().GetResult();

        await fixture.SendAllAsync();

        Assert.Equal(1, stub.Calls);
        Assert.Equal((end, reason), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_instance_that_ends_calls_off_its_mail_though_its_journey_is_paused(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Defer };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var instance = StableHash.Key("ended");
        var journey = await fixture.JourneyAsync();
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"), message => message with { InstanceId = instance, JourneyId = journey });
        stub.OnSend = _ => fixture.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("UPDATE journey SET paused = true", default);
            await fixture.Get<IInstanceEnded>().OnEndedAsync(session, [instance], "cancelled by hand", default);
        }, default).GetAwaiter().GetResult();

        await fixture.SendAllAsync();

        Assert.Equal((MessageState.Cancelled, "not sent: cancelled by hand"), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_template_that_cannot_be_rendered_rejects_the_mail_and_not_its_neighbours(DatabaseKind kind)
    {
        var stub = new BulkStubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var contact = await fixture.ContactAsync("ada");
        var broken = await fixture.QueueAsync(contact, message => message with { TemplateVersion = 99 });
        var good = await fixture.QueueAsync(contact);

        await fixture.SendAllAsync();

        Assert.Equal(good, Assert.Single(stub.Taken).Key);
        var (state, reason) = await fixture.StateAsync(broken);
        Assert.Equal(MessageState.Rejected, state);
        Assert.Equal("not sent: the template could not be rendered: the template 'welcome' has no version 99", reason);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_account_with_a_long_queue_does_not_keep_another_waiting(DatabaseKind kind)
    {
        var stub = new BulkStubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var sender = fixture.Start(options: fixture.Options with { BatchSize = 10 });
        await fixture.TemplateAsync("welcome", "Hi", account: 2);
        await fixture.QueueManyAsync(100, account: 1);
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await fixture.QueueManyAsync(3, account: 2);

        await sender.RunOnceAsync(default);

        Assert.Equal(3, (await fixture.Messages.CountAsync(2, default))[MessageState.Accepted]);
        Assert.Equal(5, (await fixture.Messages.CountAsync(1, default))[MessageState.Accepted]);
    }

    private static Task<IReadOnlySet<long>> RecordConsentAsync(DeliveryFixture fixture, Contact contact, bool granted, string purpose = "newsletter", ConsentProof? proof = null) => fixture.Database.WriteAsync(session =>
        fixture.Get<Consents>().RecordAsync(session, [new Consent(1, contact.Id, purpose, granted, "test", fixture.Time.GetUtcNow(), Proof: proof)], default), default);

    private sealed class Gate(string userId, string reason) : ISendGate
    {
        public Task<IReadOnlyDictionary<Guid, string>> RefusedAsync(Session session, IReadOnlyList<SendCandidate> candidates, CancellationToken ct) =>
            Task.FromResult<IReadOnlyDictionary<Guid, string>>(candidates.Where(candidate => candidate.Contact.UserId == userId).ToDictionary(candidate => candidate.MessageId, _ => reason));
    }
}

/// <summary>Does something in a transaction of its own, once, when a labelled point is reached, and waits until it is committed.</summary>
internal sealed class OnceAt(string point, Func<Task> act) : IFaultPoints
{
    public bool Done { get; private set; }

    public void Reach(string name)
    {
        if (Done || name != point) return;
        Done = true;
        Task other;
        using (ExecutionContext.SuppressFlow()) other = Task.Run(act);
        other.GetAwaiter().GetResult();
    }
}
