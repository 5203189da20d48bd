using MailFlow.Audience;
using MailFlow.Audience.Privacy;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>What reports do to ledger, suppressions, consents, streams and counts.</summary>
public sealed class EffectTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_hard_bounce_stops_all_mail_to_the_address_among_a_thousand_queued_for_its_domain(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var first = await fixture.SentAsync("user-7");
        var queued = await fixture.Delivery.QueueManyAsync(1_000);

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, first, bounce: BounceKind.Hard, reason: "550 5.1.1 no such user"));
        await fixture.Delivery.SendAllAsync();

        var counts = await fixture.Delivery.Messages.CountAsync(1, default);
        Assert.Equal((1_000L, 1L), (counts[MessageState.Accepted], counts[MessageState.Suppressed]));
        Assert.Equal((MessageState.Suppressed, "not sent: suppressed after hard bounce on 5 January 2026"), await fixture.Delivery.StateAsync(queued[7]));
        Assert.Single(fixture.Type.Provider.Taken, mail => mail.To == "user-7@example.org");
        var suppression = Assert.Single(await fixture.SuppressionsAsync("user-7@example.org"));
        Assert.Equal(("hard_bounce", "all", "webhook", "550 5.1.1 no such user"), (suppression.Reason, suppression.Scope, suppression.Source, suppression.Detail));
        Assert.Equal(1, await fixture.CountAsync("SELECT hard_bounces FROM sending_day WHERE subject = 'domain:shop.example'"));
    }

    // Seen red: the ledger took the new address when the provider was asked, and that was suppressed.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_bounce_is_held_against_the_address_that_the_mail_went_to_and_not_against_the_one_that_the_contact_has_got_since(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Searchable) { Answer = email => email.Attempt == 1 ? StubAnswer.AcceptThenDrop : StubAnswer.Accept };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);
        var id = await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada", "old@example.org"));
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        await fixture.Delivery.ContactAsync("ada", "new@example.org");
        await fixture.Delivery.SendAllAsync(); // it is asked about
        Assert.Equal((MessageState.Accepted, "old@example.org"), ((await fixture.Delivery.StateAsync(id)).State, Assert.Single(stub.Taken).To));

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.Hard, reason: "550 5.1.1 no such user"));

        Assert.Empty(await fixture.SuppressionsAsync("new@example.org"));
        Assert.Single(await fixture.SuppressionsAsync("old@example.org"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_unsubscribe_at_the_provider_stops_marketing_among_a_thousand_queued_and_withdraws_the_consent(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var contact = await fixture.Delivery.ContactAsync("user-7");
        var consents = fixture.Delivery.Get<Consents>();
        await fixture.Delivery.Database.WriteAsync(session => consents.RecordAsync(session, [new Consent(1, contact.Id, "newsletter", true, "test", fixture.Now)], default), default);
        var first = await fixture.SentAsync("user-7", message => message with { Purpose = "newsletter" });
        var queued = await fixture.Delivery.QueueManyAsync(1_000);
        var receipt = await fixture.Delivery.QueueAsync(contact, FeedbackFixture.Transactional);

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Unsubscribed, first), fixture.Report(FeedbackKind.Unsubscribed, first));
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Suppressed, (await fixture.Delivery.StateAsync(queued[7])).State);
        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(queued[8])).State);
        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(receipt)).State);
        var history = await fixture.Delivery.Database.ReadAsync(session => consents.HistoryAsync(session, 1, contact.Id, default), default);
        Assert.Equal([("newsletter", true), ("newsletter", false), ("marketing", false)], history.Select(consent => (consent.Purpose, consent.Granted)));
        Assert.Contains(first.ToString(), history[^1].Evidence);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_complaint_stops_marketing_or_all_mail_when_it_is_about_a_receipt(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var (marketing, receipt) = (await fixture.SentAsync("ada"), await fixture.SentAsync("bob", FeedbackFixture.Transactional));

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Complained, marketing), fixture.Report(FeedbackKind.Complained, receipt));

        Assert.Equal(("complaint", "marketing"), Assert.Single(await fixture.SuppressionsAsync("ada@example.org")) is var ada ? (ada.Reason, ada.Scope) : default);
        Assert.Equal("all", Assert.Single(await fixture.SuppressionsAsync("bob@example.org")).Scope);
        Assert.Equal(2, await fixture.CountAsync("SELECT complaints FROM sending_day WHERE subject = 'domain:shop.example'"));
    }

    // Seen red: the mail went on to the new address.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_complaint_about_mail_to_an_address_that_the_contact_has_left_means_the_present_one_too(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync("ada", email: "old@example.org");
        await fixture.Delivery.ContactAsync("ada", "new@example.org");

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Complained, id));

        foreach (var address in new[] { "old@example.org", "new@example.org" })
            Assert.Equal(("complaint", "marketing"), Assert.Single(await fixture.SuppressionsAsync(address)) is var found ? (found.Reason, found.Scope) : default);
    }

    // Seen red: the mail went on to the next address.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_complaint_holds_whatever_address_the_contact_has_next(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync("ada", message => message with { Purpose = "newsletter", Stream = MessageStream.Transactional }, "old@example.org");
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Complained, id), fixture.Report(FeedbackKind.Complained, id));

        var moved = await fixture.Delivery.ContactAsync("ada", "new@example.org");
        var next = await fixture.Delivery.QueueAsync(moved);
        await fixture.Delivery.SendAllAsync();

        Assert.Equal((MessageState.Suppressed, "not sent: the contact has refused marketing mail"), await fixture.Delivery.StateAsync(next));
        var said = Assert.Single(await fixture.Delivery.Database.ReadAsync(session => fixture.Delivery.Get<Consents>().HistoryAsync(session, 1, moved.Id, default), default));
        Assert.Equal(("marketing", false, "complaint", $"called spam, message {id}"), (said.Purpose, said.Granted, said.Source, said.Evidence));
    }

    // Seen red: the batch was rolled back with its suppressions, and the bounced address was mailed on.
    [Fact]
    public async Task Reports_do_what_they_do_and_are_raised_though_the_inbox_takes_no_events_from_outside()
    {
        await using var fixture = await FeedbackFixture.CreateAsync(DatabaseKind.Sqlite);
        var id = await fixture.SentAsync("ada");
        await fixture.Delivery.Database.WriteAsync(session => session.ExecuteAsync("""
            INSERT INTO inbox (account_id, shard, kind, key, accepted_at, body)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @most) SELECT 1, 0, 2, x'00', 0, '' FROM n
            """, default, ("most", EventIntake.MostWaiting)), default);

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.Hard));

        Assert.Equal("hard_bounce", Assert.Single(await fixture.SuppressionsAsync("ada@example.org")).Reason);
        Assert.Equal("email_bounced", Assert.Single(await fixture.EventsAsync()).Type);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_providers_list_holds_against_an_address_is_held_against_it_here_and_counted_nowhere(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        (string User, ListedFor? Listed, string? Expected)[] cases =
        [
            ("ada", ListedFor.HardBounce, "hard_bounce all"), ("bob", ListedFor.Complaint, "complaint marketing"), ("eve", ListedFor.Unsubscribed, "unsubscribed marketing"),
            ("ida", ListedFor.Unsaid, "listed_at_provider marketing"), ("joe", null, null),
        ];
        foreach (var (user, listed, expected) in cases)
        {
            var id = await fixture.SentAsync(user);
            await fixture.ReportAsync(fixture.Report(FeedbackKind.Dropped, id) with { Listed = listed });
            Assert.Equal(expected, (await fixture.SuppressionsAsync($"{user}@example.org")).Select(each => $"{each.Reason} {each.Scope}").SingleOrDefault());
        }

        Assert.Equal(0, await fixture.CountAsync("SELECT coalesce(sum(hard_bounces + complaints), 0) FROM sending_day"));
        Assert.Empty(await fixture.EventsAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_full_mailbox_is_suppressed_on_the_fifth_day_unless_a_mail_was_delivered_in_between(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        for (var day = 1; day <= 5; day++)
        {
            foreach (var user in new[] { "ada", "bob", "eve" })
            {
                var id = await fixture.SentAsync(user);
                var kindOfBounce = user == "eve" ? BounceKind.MessageSoft : BounceKind.RecipientSoft;
                if (user == "bob" && day == 3) await fixture.ReportAsync(fixture.Report(FeedbackKind.Delivered, id));
                else await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, id, bounce: kindOfBounce), fixture.Report(FeedbackKind.Bounced, id, bounce: kindOfBounce)); // twice a day counts once
            }
            if (day < 5) Assert.Empty(await fixture.SuppressionsAsync("ada@example.org"));
            fixture.Delivery.Time.Advance(TimeSpan.FromDays(2));
        }
        var last = await fixture.SentAsync("bob");
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, last, bounce: BounceKind.RecipientSoft));

        Assert.Equal(("soft_bounce", "all"), Assert.Single(await fixture.SuppressionsAsync("ada@example.org")) is var ada ? (ada.Reason, ada.Scope) : default);
        Assert.Empty(await fixture.SuppressionsAsync("bob@example.org")); // five in all, three since the delivery
        Assert.Empty(await fixture.SuppressionsAsync("eve@example.org"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_fault_of_the_senders_that_a_great_mailbox_provider_names_exactly_stops_the_stream_and_is_held_against_nobody(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync("ada", email: "ada@outlook.com");

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.SenderFault, reason: "550 5.7.515 Access denied", fault: new(FaultScope.Domain, IsExact: true)));
        var (marketing, receipt) = (await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("bob")), await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("eve"), FeedbackFixture.Transactional));
        await fixture.Delivery.SendAllAsync();

        var stop = Assert.Single(await fixture.Delivery.Get<SendingStops>().ListAsync(1, default));
        Assert.Equal(("domain:shop.example", MessageStream.Marketing, "550 5.7.515 Access denied"), (stop.Subject, stop.Stream, stop.Reason));
        Assert.Equal(MessageState.Queued, (await fixture.Delivery.StateAsync(marketing)).State);
        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(receipt)).State);
        Assert.Empty(await fixture.SuppressionsAsync("ada@outlook.com"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_any_other_receiver_a_fault_of_the_senders_stops_when_five_recipients_at_two_domains_say_so_within_a_day(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var stops = fixture.Delivery.Get<SendingStops>();
        async Task FailAsync(string email, FaultScope scope = FaultScope.Domain)
        {
            var id = await fixture.SentAsync(email, FeedbackFixture.Transactional, email);
            var report = fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.SenderFault, reason: "550 5.7.26 unauthenticated", fault: new(scope, IsExact: true));
            await fixture.ReportAsync(report, report with { Key = report.Key + "-again" });
        }

        for (var i = 0; i < 6; i++) await FailAsync($"user-{i}@one.example");
        Assert.Empty(await stops.ListAsync(1, default)); // all at one receiver
        fixture.Delivery.Time.Advance(TimeSpan.FromDays(1.1));
        foreach (var email in (string[])["a@one.example", "b@one.example", "c@one.example", "d@two.example"]) await FailAsync(email);
        Assert.Empty(await stops.ListAsync(1, default));
        await FailAsync("e@two.example");
        Assert.Equal(("domain:shop.example", MessageStream.Transactional), Assert.Single(await stops.ListAsync(1, default)) is var stop ? (stop.Subject, stop.Stream) : default);

        // Once somebody has mended it, the count begins anew; and what is refused of the connection stops the connection, for both streams.
        Assert.True(await stops.ResumeAsync(1, "domain:shop.example", default));
        await FailAsync("f@two.example");
        Assert.Empty(await stops.ListAsync(1, default));
        foreach (var email in (string[])["g@one.example", "h@one.example", "i@one.example", "j@two.example", "k@two.example"]) await FailAsync(email, FaultScope.Connection);
        Assert.Equal(["connection:main", "connection:main"], (await stops.ListAsync(1, default)).Select(each => each.Subject));
    }

    // Who has five addresses of his own can have five servers say anything. Seen red: the fifth stopped a sender of a thousand mails.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_much_mail_a_hundredth_must_be_refused(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var stops = fixture.Delivery.Get<SendingStops>();
        await fixture.Delivery.Database.WriteAsync(session => FlowStore.CountAsync(session, [new(1, SendingStops.OfDomain("shop.example"), FlowStore.DayOf(fixture.Delivery.Now), HandedOver: 900, Transactional: 900)], default), default);

        for (var i = 0; i < 9; i++)
        {
            Assert.Empty(await stops.ListAsync(1, default));
            var email = $"user-{i}@{(i % 2 == 0 ? "one" : "two")}.example";
            await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, await fixture.SentAsync(email, FeedbackFixture.Transactional, email), bounce: BounceKind.SenderFault, reason: "550 5.7.26 unauthenticated", fault: new(FaultScope.Domain, IsExact: true)));
        }
        Assert.Empty(await stops.ListAsync(1, default)); // of 909 mails

        var tenth = await fixture.SentAsync("user-9@one.example", FeedbackFixture.Transactional, "user-9@one.example");
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, tenth, bounce: BounceKind.SenderFault, reason: "550 5.7.26 unauthenticated", fault: new(FaultScope.Domain, IsExact: true)));
        Assert.Equal("domain:shop.example", Assert.Single(await stops.ListAsync(1, default)).Subject);
    }

    // Seen red: complaints and faults were laid to the domain that the account sent from when they came.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Complaints_count_for_the_domain_that_the_mail_came_from(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var sent = new List<Guid>();
        foreach (var user in (string[])["a", "b", "c"]) sent.Add(await fixture.SentAsync(user));
        await fixture.Delivery.Get<Senders>().PutAsync(1, new("Shop", "hello@fresh.example", null, "1 High Street"), default);

        await fixture.ReportAsync([.. sent.Select(id => fixture.Report(FeedbackKind.Complained, id))]);
        var next = await fixture.SentAsync("d");

        Assert.Empty(await fixture.Delivery.Get<SendingStops>().ListAsync(1, default));
        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(next)).State);
        Assert.Equal(3, await fixture.CountAsync("SELECT complaints FROM sending_day WHERE subject = 'domain:shop.example'"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_fault_of_the_senders_stops_the_domain_that_the_mail_came_from(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var sent = await fixture.SentAsync("ada", email: "ada@outlook.com");
        await fixture.Delivery.Get<Senders>().PutAsync(1, new("Shop", "hello@fresh.example", null, "1 High Street"), default);

        await fixture.ReportAsync(fixture.Report(
            FeedbackKind.Bounced, sent, bounce: BounceKind.SenderFault, reason: "550 5.7.515 Access denied, sending domain SHOP.EXAMPLE", fault: new(FaultScope.Domain, IsExact: true)));

        Assert.Equal("domain:shop.example", Assert.Single(await fixture.Delivery.Get<SendingStops>().ListAsync(1, default)).Subject);
    }

    // Seen red: the hundredth was of all mail of the domain, in both streams and by all connections.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, FaultScope.Domain)]
    [InlineData(DatabaseKind.Sqlite, FaultScope.Connection)]
    [InlineData(DatabaseKind.PostgreSql, FaultScope.Domain)]
    [InlineData(DatabaseKind.PostgreSql, FaultScope.Connection)]
    public async Task The_hundredth_is_of_the_streams_mail_and_of_the_connections_own(DatabaseKind kind, FaultScope scope)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        // The day's marketing mail, by another connection.
        await fixture.Delivery.Database.WriteAsync(session => FlowStore.CountAsync(session, [new(1, SendingStops.OfDomain("shop.example"), FlowStore.DayOf(fixture.Delivery.Now), HandedOver: 10_000)], default), default);
        for (var i = 0; i < 10; i++)
        {
            var email = $"user-{i}@{(i % 2 == 0 ? "one" : "two")}.example";
            await fixture.ReportAsync(fixture.Report(
                FeedbackKind.Bounced, await fixture.SentAsync(email, FeedbackFixture.Transactional, email), bounce: BounceKind.SenderFault, reason: "550 5.7.26 unauthenticated", fault: new(scope, IsExact: true)));
        }

        Assert.NotEmpty(await fixture.Delivery.Get<SendingStops>().ListAsync(1, default)); // ten of ten receipts were refused
    }

    // Seen red: a refusal that was reported late, of a mail from before, stopped the domain again.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_report_about_a_mail_from_before_the_resume_is_judged_with_that_mail(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var stops = fixture.Delivery.Get<SendingStops>();
        var sent = new List<Guid>();
        foreach (var user in (string[])["a", "b", "c"]) sent.Add(await fixture.SentAsync(user));
        var refused = await fixture.SentAsync("o", email: "o@outlook.com");
        await fixture.Delivery.Database.WriteAsync(session => FlowStore.CountAsync(session, [new(1, SendingStops.OfDomain("shop.example"), FlowStore.DayOf(fixture.Delivery.Now), HandedOver: 100_000, Complaints: 300)], default), default);
        await fixture.SentAsync("d");
        Assert.Single(await stops.ListAsync(1, default));
        fixture.Delivery.Time.Advance(TimeSpan.FromHours(1));
        Assert.True(await stops.ResumeAsync(1, "domain:shop.example", default));

        fixture.Delivery.Time.Advance(TimeSpan.FromHours(1));
        await fixture.ReportAsync([.. sent.Select(id => fixture.Report(FeedbackKind.Complained, id))]);
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, refused, bounce: BounceKind.SenderFault, reason: "550 5.7.515 Access denied", fault: new(FaultScope.Domain, IsExact: true)));
        await fixture.SentAsync("e");
        Assert.Empty(await stops.ListAsync(1, default));

        // What is reported of mail from after it counts as ever.
        var after = new List<Guid>();
        foreach (var user in (string[])["f", "g", "h"]) after.Add(await fixture.SentAsync(user));
        await fixture.ReportAsync([.. after.Select(id => fixture.Report(FeedbackKind.Complained, id))]);
        await fixture.SentAsync("i");
        Assert.Single(await stops.ListAsync(1, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_fault_of_the_senders_that_ends_by_itself_stops_nothing_however_many_say_so(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        for (var i = 0; i < 12; i++)
        {
            var id = await fixture.SentAsync($"user-{i}", email: $"user-{i}@{(i % 2 == 0 ? "gmail.com" : "outlook.com")}");
            await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.SenderFault, reason: "421 4.7.28 unusual rate"));
            Assert.Equal("sender_fault", (await fixture.FeedbackAsync(id))!.Bounce);
        }
        Assert.Empty(await fixture.Delivery.Get<SendingStops>().ListAsync(1, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_report_resolves_a_doubt_even_one_that_was_given_up(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = _ => StubAnswer.AcceptThenDrop };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);
        var (early, late) = (await fixture.SentAsync("ada"), await fixture.SentAsync("bob"));

        await fixture.ReportAsync(new StubReport("e", FeedbackKind.Accepted, fixture.Now, early, "named-ada"));
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(15));
        await fixture.Delivery.SendAllAsync();
        Assert.Equal([MessageState.Accepted, MessageState.Unconfirmed], [(await fixture.Delivery.StateAsync(early)).State, (await fixture.Delivery.StateAsync(late)).State]);
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Delivered, late));

        Assert.Equal((MessageState.Accepted, null), await fixture.Delivery.StateAsync(late));
        Assert.Equal("named-ada", (await fixture.Delivery.FindAsync(early)).ProviderId);
        Assert.Equal(2, stub.Calls);
        var answers = await fixture.Delivery.Messages.AnswersAsync(1, late, default);
        Assert.Equal((MessageState.Accepted, "the provider reported it: delivered"), (answers[^1].State, answers[^1].Answer));

        var guarantees = await fixture.Delivery.Get<Guarantees>().CountAsync(1, null, fixture.Now.AddMinutes(1), default);
        Assert.Equal((2, 0, 2, 0), (guarantees.Planned, guarantees.Unknown, guarantees.EverUnknown, guarantees.Unconfirmed));
        Assert.Equal((new ResolvedDoubts(2, 0), 0), (guarantees.Resolved, guarantees.DuplicatesSeen));
        Assert.Equal(1_000_000, guarantees.UnknownPerMillion);
        Assert.Equal(0, (await fixture.Delivery.Get<Guarantees>().CountAsync(2, null, null, default)).Planned);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_that_was_put_off_but_had_been_taken_is_not_sent_twice(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = email => email.Attempt == 1 ? StubAnswer.AcceptThenDrop : StubAnswer.Defer };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);
        var id = await fixture.SentAsync("ada", FeedbackFixture.Transactional);
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(15));
        await fixture.Delivery.SendAllAsync();
        Assert.Equal(MessageState.Unknown, (await fixture.Delivery.StateAsync(id)).State);

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Delivered, id));
        stub.Answer = _ => StubAnswer.Accept;
        fixture.Delivery.Time.Advance(TimeSpan.FromDays(1));
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(id)).State);
        Assert.Single(stub.Taken);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_same_key_under_two_names_is_a_duplicate_seen(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var (once, twice) = (await fixture.SentAsync("ada"), await fixture.SentAsync("bob"));

        await fixture.ReportAsync(
            new StubReport("a", FeedbackKind.Accepted, fixture.Now, once, $"stub-{once:n}.filter0001.4711"), new StubReport("b", FeedbackKind.Delivered, fixture.Now, once, $"<stub-{once:n}>"),
            new StubReport("c", FeedbackKind.Accepted, fixture.Now, twice, $"stub-{twice:n}"), new StubReport("d", FeedbackKind.Accepted, fixture.Now, twice, "another-name"));

        Assert.Equal(1, (await fixture.Delivery.Get<Guarantees>().CountAsync(1, null, fixture.Now.AddMinutes(1), default)).DuplicatesSeen);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_taken_twice_without_an_answer_is_a_duplicate_seen_when_both_are_reported_in_one_call(DatabaseKind kind)
    {
        // Seen red: none was seen.
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = _ => StubAnswer.AcceptThenDrop };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);
        var id = await fixture.SentAsync("ada", FeedbackFixture.Transactional);
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(16));
        await fixture.Delivery.SendAllAsync();
        Assert.Equal(2, stub.Taken.Count);

        await fixture.ReportAsync(
            fixture.Report(FeedbackKind.Accepted, id) with { ProviderId = "one" }, fixture.Report(FeedbackKind.Accepted, id) with { ProviderId = "two" },
            fixture.Report(FeedbackKind.Delivered, id) with { ProviderId = "one" });

        Assert.Equal(1, (await fixture.Delivery.Get<Guarantees>().CountAsync(1, null, fixture.Now.AddMinutes(1), default)).DuplicatesSeen);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_report_by_the_providers_name_finds_its_mail_even_when_it_is_faster_than_the_answer(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var known = await fixture.SentAsync("ada");
        var unknown = await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("bob"));

        await fixture.ReportAsync(
            new StubReport("a", FeedbackKind.Delivered, fixture.Now, ProviderId: $"stub-{known:n}"), new StubReport("b", FeedbackKind.Delivered, fixture.Now, ProviderId: $"stub-{unknown:n}"),
            new StubReport("c", FeedbackKind.Delivered, fixture.Now, ProviderId: "somebody else's"));
        Assert.NotNull((await fixture.FeedbackAsync(known))!.DeliveredAt);
        await fixture.Delivery.SendAllAsync();
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(1));
        await fixture.WorkAsync();

        Assert.NotNull((await fixture.FeedbackAsync(unknown))!.DeliveredAt);
        Assert.Equal("1 3 0 1", await fixture.Delivery.Database.ReadAsync(session => session.FirstAsync(
            "SELECT calls, reports, repeated, unmatched FROM webhook_day", row => $"{row.Long(0)} {row.Long(1)} {row.Long(2)} {row.Long(3)}", default), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task In_whatever_order_reports_come_the_outcome_is_the_same(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var start = fixture.Now;
        (FeedbackKind Kind, BounceKind? Bounce, int Minute)[] reports =
            [(FeedbackKind.Delivered, null, 1), (FeedbackKind.Bounced, BounceKind.RecipientSoft, 2), (FeedbackKind.Bounced, BounceKind.Hard, 3), (FeedbackKind.Opened, null, 4), (FeedbackKind.Complained, null, 5)];
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(10));

        var outcomes = new HashSet<MessageFeedback>();
        var order = new Random(7);
        for (var run = 0; run < 12; run++)
        {
            var id = await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync($"user-{run}"));
            await fixture.Delivery.SendAllAsync();
            foreach (var (report, bounce, minute) in reports.OrderBy(_ => order.Next()).ToList())
                await fixture.ReportAsync(fixture.Report(report, id, start.AddMinutes(minute), bounce: bounce));
            await fixture.SettleAsync();
            outcomes.Add((await fixture.FeedbackAsync(id))!);
        }

        var outcome = Assert.Single(outcomes);
        Assert.Equal((start.AddMinutes(1), start.AddMinutes(3), "hard", start.AddMinutes(5)), (outcome.DeliveredAt, outcome.BouncedAt, outcome.Bounce, outcome.ComplainedAt));
        Assert.Equal((start.AddMinutes(4), 1), (outcome.OpenedAt, outcome.Opens));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_report_about_an_erased_contacts_mail_brings_nobody_back(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        Assert.NotNull((await fixture.Delivery.Get<Erasure>().BeginAsync(1, "ada", default)).DoneAt);

        await fixture.ReportAsync(
            fixture.Report(FeedbackKind.Delivered, id, reason: "250 2.0.0 ada@example.org is here"), fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.Hard, reason: "550 5.1.1 <ada@example.org>: user unknown"),
            fixture.Report(FeedbackKind.Opened, id, agent: "Ada's Mozilla/5.0"), fixture.Report(FeedbackKind.Clicked, id, url: "https://shop.example/health/pregnancy", agent: "Mozilla/5.0 (X11) Chrome/130") with { Ip = "203.0.113.7" },
            fixture.Report(FeedbackKind.Unsubscribed, id));
        await fixture.SettleAsync();

        Assert.Empty(await fixture.EventsAsync());
        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM message_event WHERE reason IS NOT NULL OR url IS NOT NULL OR user_agent IS NOT NULL OR network IS NOT NULL"));
        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM contact WHERE last_opened_at IS NOT NULL OR last_clicked_at IS NOT NULL"));
        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM suppression WHERE email NOT LIKE '#%' OR detail IS NOT NULL"));
        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM consent"));
        // That it happened stays: it is counted.
        Assert.NotNull((await fixture.FeedbackAsync(id))!.UnsubscribedAt);
        Assert.Equal(1, await fixture.CountAsync("SELECT hard_bounces FROM sending_day WHERE subject = 'domain:shop.example'"));
    }
}
