using MailFlow.Data;
using MailFlow.Delivery.Providers.Smtp;
using MailFlow.Delivery.Tests.Smtp;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MailFlow.Delivery.Tests;

/// <summary>The database goes away at the worst moments while the process lives on, or refuses what it is given.</summary>
public sealed class DatabaseTroubleTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_answer_that_is_known_is_written_down_however_often_the_database_fails(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var trouble = new FailsAt("sender.answers.before-commit", 3, kind);
        var sender = fixture.Start(trouble);

        var round = sender.RunOnceAsync(default);
        await trouble.Begun; // before it, a moving clock would only run out the lease
        while (!round.IsCompleted)
        {
            fixture.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
        await round;

        Assert.Single(stub.Taken);
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_hand_over_that_failed_sends_nothing_and_is_done_again(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var sender = fixture.Start(new FailsAt("sender.hand-over.before-commit", 1, kind));

        await Assert.ThrowsAnyAsync<Exception>(() => sender.RunOnceAsync(default));
        Assert.Empty(stub.Taken);
        Assert.Equal(MessageState.Queued, (await fixture.StateAsync(id)).State);
        await fixture.SendAllAsync(sender);

        Assert.Equal(id, Assert.Single(stub.Taken).Key);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_relays_long_reply_with_a_NUL_is_written_down_cut_and_cleaned_and_costs_no_other_mail_its_answer(DatabaseKind kind)
    {
        // Seen red: PostgreSQL refused the NUL (22021), and neither answer was written down.
        await using var server = new ScriptedSmtpServer(("RCPT", $"550 5.1.1 no such\0user {new string('x', 6_000)}"), ("RCPT", "250 2.1.5 fine"));
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        fixture.Options = fixture.Options with { Smtp = new SmtpOptions { Host = "127.0.0.1", Port = server.Port, Tls = SmtpTls.None, MaxConnections = 1 } };
        fixture.Provider = new SmtpProvider(fixture.Options, TimeProvider.System);
        var sender = fixture.Start();
        var refused = await fixture.QueueAsync(await fixture.ContactAsync("mallory"), message => message with { Stream = MessageStream.Transactional });
        var taken = await fixture.QueueAsync(await fixture.ContactAsync("ada"), message => message with { Stream = MessageStream.Transactional });

        for (var minute = 0; minute < 60; minute++, fixture.Time.Advance(TimeSpan.FromMinutes(1))) await fixture.SendAllAsync(sender);

        var (state, reason) = await fixture.StateAsync(refused);
        Assert.Equal((MessageState.Rejected, 1_000), (state, reason!.Length));
        Assert.StartsWith("not sent: 550 5.1.1 no such user xxx", reason, StringComparison.Ordinal);
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(taken)).State);
        Assert.Single(server.Mails);
    }

    [Fact]
    public async Task One_accounts_relay_does_not_cost_another_account_its_answers()
    {
        // Of PostgreSQL alone: SQLite takes a NUL. Seen red: the round failed with 22021.
        await using var server = new ScriptedSmtpServer(("RCPT", "550 5.1.1 no such\0user"));
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.PostgreSql, stub); // account 2: the server's own provider
        fixture.Options = fixture.Options with { AllowPrivateRelays = true };
        var sender = fixture.Start();
        await fixture.TemplateAsync("welcome", "Welcome", account: 2);
        var settings = new Dictionary<string, string?> { ["host"] = "127.0.0.1", ["port"] = $"{server.Port}", ["tls"] = "none" };
        await fixture.Get<Connections>().PutAsync(1, "mine", new ConnectionDraft("smtp", Settings: settings), default);
        await fixture.QueueAsync(await fixture.ContactAsync("mallory"), message => message with { Stream = MessageStream.Transactional });
        var receipt = await fixture.QueueAsync(await fixture.ContactAsync("ada", account: 2), message => message with { Stream = MessageStream.Transactional });
        var news = await fixture.QueueAsync(await fixture.ContactAsync("bob", account: 2));

        for (var minute = 0; minute < 60; minute++, fixture.Time.Advance(TimeSpan.FromMinutes(1))) await fixture.SendAllAsync(sender);

        Assert.Equal(new HashSet<Guid> { receipt, news }, stub.Taken.Select(mail => mail.Key).ToHashSet());
        Assert.Equal(2, stub.Taken.Count);
        Assert.Equal((MessageState.Accepted, MessageState.Accepted), ((await fixture.FindAsync(receipt, 2)).State, (await fixture.FindAsync(news, 2)).State));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_stops_a_connection_is_written_down_cut_and_cleaned_too(DatabaseKind kind)
    {
        // Seen red: PostgreSQL refused the NUL, SQLite kept it.
        var stub = new StubProvider { Answer = _ => StubAnswer.SenderFault, Fault = new($"535 bad\0key {new string('x', 6_000)}", FaultScope.Connection) };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();

        Assert.All(await fixture.Get<SendingStops>().ListAsync(1, default), stop =>
        {
            Assert.StartsWith("535 bad key xxx", stop.Reason, StringComparison.Ordinal);
            Assert.Equal(1_000, stop.Reason.Length);
        });
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_answer_that_the_database_refuses_takes_no_other_answer_with_it(DatabaseKind kind)
    {
        // Seen red: none of the three was written down.
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = new[] { await fixture.QueueAsync(await fixture.ContactAsync("ada")), await fixture.QueueAsync(await fixture.ContactAsync("bob")), await fixture.QueueAsync(await fixture.ContactAsync("cleo")) };
        await fixture.Database.WriteAsync(session => session.ExecuteAsync(kind == DatabaseKind.Sqlite
            ? "CREATE TRIGGER picky BEFORE UPDATE ON message WHEN NEW.provider_id IS NOT NULL AND NEW.user_id = 'bob' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            : """
            CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
            CREATE TRIGGER picky BEFORE UPDATE ON message FOR EACH ROW WHEN (NEW.provider_id IS NOT NULL AND NEW.user_id = 'bob') EXECUTE FUNCTION picky()
            """, default), default);

        var error = await Assert.ThrowsAnyAsync<Exception>(() => fixture.Get<MessageSender>().RunOnceAsync(default));

        Assert.Contains("not this one", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, stub.Taken.Count);
        var states = new List<MessageState>();
        foreach (var id in ids) states.Add((await fixture.StateAsync(id)).State);
        Assert.Equal([MessageState.Accepted, MessageState.Inflight, MessageState.Accepted], states);
    }

    private sealed class FailsAt(string point, int times, DatabaseKind kind) : IFaultPoints
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = times;

        public Task Begun => _begun.Task;

        public void Reach(string name)
        {
            if (name != point || Interlocked.Decrement(ref _left) < 0) return;
            _begun.TrySetResult();
            throw kind == DatabaseKind.Sqlite ? new SqliteException("database is locked", 5) : new NpgsqlException("the database does not answer", new TimeoutException());
        }
    }
}
