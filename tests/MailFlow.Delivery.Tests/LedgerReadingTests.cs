using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>The ledger and the sandbox as the API reads them.</summary>
public sealed class LedgerReadingTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_captured_mail_carries_what_a_real_one_would(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.Get<Senders>().PutAsync(1, new SenderIdentity("Ada's Shop", "news@shop.example", "help@shop.example", "1 High Street"), default);
        var contact = await fixture.ContactAsync("ada");
        var id = await fixture.QueueAsync(contact);
        var receipt = await fixture.QueueAsync(contact, message => message with { Stream = MessageStream.Transactional, Subject = "Your receipt" });

        await fixture.SendAllAsync();

        var mails = (await fixture.Get<SandboxMailbox>().ListAsync(1, "ada@example.org", null, 10, default)).Items;
        var mail = Assert.Single(mails, mail => mail.Id == id);
        Assert.Equal(
            ("ada@example.org", "Ada's Shop <news@shop.example>", "Welcome ada", "welcome", "ada", "welcome-series", fixture.Time.GetUtcNow()),
            (mail.To, mail.From, mail.Subject, mail.Template, mail.UserId, mail.Journey, mail.At));
        Assert.Contains("<p>Hello ada@example.org</p>", mail.Html);
        Assert.Contains("1 High Street", mail.Html);
        Assert.Contains("https://mail.example.org/unsubscribe/", mail.Html);
        Assert.Equal($"<{id:n}@shop.example>", mail.Headers["Message-ID"]);
        Assert.Equal("List-Unsubscribe=One-Click", mail.Headers["List-Unsubscribe-Post"]);
        Assert.Equal("<marketing.shop.example>", mail.Headers["List-Id"]);
        Assert.Equal("welcome-series:welcome:marketing:mf-00001", mail.Headers["Feedback-ID"]);
        Assert.Equal("help@shop.example", mail.Headers["Reply-To"]);
        Assert.Equal(id.ToString(), mail.Headers["X-MailFlow-Message"]);
        var transactional = Assert.Single(mails, mail => mail.Id == receipt);
        Assert.Equal("Your receipt", transactional.Subject);
        Assert.DoesNotContain(transactional.Headers.Keys, name => name is "Feedback-ID" || name.StartsWith("List-", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_ledger_is_filtered_by_contact_journey_and_state_and_read_in_pages(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = email => email.UserId == "bob" ? StubAnswer.Reject : StubAnswer.Accept };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var journey = await fixture.JourneyAsync("winback");
        var (ada, bob) = (await fixture.ContactAsync("ada"), await fixture.ContactAsync("bob"));
        var expected = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            expected.Add(await fixture.QueueAsync(ada, message => message with { JourneyId = journey }));
            fixture.Time.Advance(TimeSpan.FromSeconds(1));
        }
        var rejected = await fixture.QueueAsync(bob);
        await fixture.SendAllAsync();

        var pages = new List<IReadOnlyList<Guid>>();
        string? cursor = null;
        do
        {
            var page = await fixture.Messages.ListAsync(1, "ada", "winback", "accepted", cursor, 2, default);
            pages.Add([.. page.Items.Select(message => message.Id)]);
            cursor = page.Next;
        }
        while (cursor is not null);

        Assert.Equal([2, 2, 1], pages.Select(page => page.Count));
        Assert.Equal(expected, pages.SelectMany(page => page));
        Assert.Equal(rejected, Assert.Single((await fixture.Messages.ListAsync(1, null, null, "rejected", null, 10, default)).Items).Id);
        Assert.Equal(6, (await fixture.Messages.ListAsync(1, null, null, null, null, 10, default)).Items.Count);
        Assert.Empty((await fixture.Messages.ListAsync(1, "nobody", null, null, null, 10, default)).Items);
        await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Messages.ListAsync(1, null, null, "sent", null, 10, default));
        await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Messages.ListAsync(1, null, null, null, Cursor.Write("x/y"), 10, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_never_see_each_others_mail(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.TemplateAsync("welcome", "From two", account: 2);
        var one = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var two = await fixture.QueueAsync(await fixture.ContactAsync("ada", account: 2));
        await fixture.SendAllAsync();

        var mailbox = fixture.Get<SandboxMailbox>();
        Assert.Equal(one, Assert.Single((await mailbox.ListAsync(1, "ada@example.org", null, 10, default)).Items).Id);
        Assert.Equal("From two", Assert.Single((await mailbox.ListAsync(2, null, null, 10, default)).Items).Subject);
        Assert.Equal(two, Assert.Single((await fixture.Messages.ListAsync(2, "ada", null, null, null, 10, default)).Items).Id);
        Assert.Null(await fixture.Messages.FindAsync(2, one, default));
        Assert.Empty((await mailbox.ListAsync(3, null, null, 10, default)).Items);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Captured_mail_is_read_in_pages(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var ids = await fixture.QueueManyAsync(7);
        await fixture.SendAllAsync();

        var mailbox = fixture.Get<SandboxMailbox>();
        var first = await mailbox.ListAsync(1, null, null, 4, default);
        var second = await mailbox.ListAsync(1, null, first.Next, 4, default);

        Assert.Equal((4, 3, null), (first.Items.Count, second.Items.Count, second.Next));
        Assert.Equal(ids.Order(), first.Items.Concat(second.Items).Select(mail => mail.Id).Order());
    }

    [Fact]
    public async Task A_sender_that_no_mail_can_come_from_is_refused()
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        var senders = fixture.Get<Senders>();
        await Assert.ThrowsAsync<InvalidInputException>(() => senders.PutAsync(1, new SenderIdentity("Shop", "nobody"), default));
        await Assert.ThrowsAsync<InvalidInputException>(() => senders.PutAsync(1, new SenderIdentity("Shop\r\nBcc: eve@example.org", "news@shop.example"), default));
        Assert.Equal("Shop", (await senders.FindAsync(1, default)).Name);
    }

    [Fact]
    public void Options_that_cannot_work_stop_the_start_and_name_the_field()
    {
        Refused("Provider", new() { Provider = "pigeon" });
        Refused("Smtp", new() { Provider = "smtp" });
        Refused("Sender", new() { Provider = "smtp", Smtp = new() { Host = "relay.example" } });
        Refused("PublicBaseUrl", new() { PublicBaseUrl = "mail.example.org" });
        Refused("BatchSize", new() { BatchSize = 0 });
        Refused("SigningKeys", new() { SigningKeys = [new SigningKey(1, new byte[8])] });
        new DeliveryOptions().Check();

        static void Refused(string field, DeliveryOptions options) => Assert.Equal(field, Assert.Throws<InvalidInputException>(options.Check).Field);
    }

    // Seen red: each state was looked for among all open messages.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Open_messages_are_counted_state_by_state_and_an_index_knows_their_state(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");
        var ids = new List<Guid>();
        for (var i = 0; i < 8; i++) ids.Add(await fixture.QueueAsync(contact));
        await fixture.Database.WriteAsync(async session =>
        {
            foreach (var id in ids[..1]) await session.ExecuteAsync("UPDATE message SET state = 1, due_at = NULL, lease_until = 1 WHERE id = @id", default, ("id", id));
            foreach (var id in ids[1..3]) await session.ExecuteAsync("UPDATE message SET state = 4 WHERE id = @id", default, ("id", id));
            foreach (var id in ids[3..6]) await session.ExecuteAsync("UPDATE message SET state = 5 WHERE id = @id", default, ("id", id));
            await session.ExecuteAsync("UPDATE message SET state = 2, due_at = NULL WHERE id = @id", default, ("id", ids[6]));
        }, default);

        var open = await fixture.Database.ReadAsync(session => fixture.Get<MessageBacklogs>().ReadAsync(session, default), default);
        var plan = string.Join('\n', await fixture.Database.WriteAsync(session =>
        {
            session.AvoidScans(); // a short table would be read as a whole
            return session.QueryAsync((session.Dialect.IsPostgreSql ? "EXPLAIN " : "EXPLAIN QUERY PLAN ") + MessageBacklog.CountSql(MessageState.Unknown),
                row => row.Text(session.Dialect.IsPostgreSql ? 0 : 3), default, ("most", 10));
        }, default));

        Assert.Equal((1, 1, 2, 3), (open.Queued, open.Inflight, open.Deferred, open.Unknown));
        Assert.Contains("message_open_by_state", plan);
        Assert.Contains(kind == DatabaseKind.PostgreSql ? "Index Cond: (state = 5)" : "(state=?)", plan);
    }
}
