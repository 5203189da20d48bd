using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

public sealed class MessageStatesTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Exactly_the_published_transitions_are_made_and_every_other_is_refused(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");

        var made = new List<(MessageState, MessageState)>();
        foreach (var from in Enum.GetValues<MessageState>())
            foreach (var to in Enum.GetValues<MessageState>())
            {
                var id = await fixture.QueueAsync(contact);
                await ForceAsync(fixture, id, from);
                if (await MoveAsync(fixture, id, to) == 1) made.Add((from, to));
                else Assert.Equal(from, (await fixture.StateAsync(id)).State);
            }

        var published = Enum.GetValues<MessageState>().SelectMany(from => MessageStates.After(from).Select(to => (from, to)));
        Assert.Equal(published.Order(), made.Order());
    }

    [Fact]
    public void The_published_table_is_this()
    {
        var lines = Enum.GetValues<MessageState>().Where(state => MessageStates.After(state).Count > 0)
            .Select(state => $"{state.Word()} -> {string.Join(" | ", MessageStates.After(state).Select(MessageStates.Word))}");
        Assert.Equal(
            [
                "queued -> inflight | suppressed | expired | cancelled",
                "inflight -> accepted | rejected | deferred | unknown | unconfirmed",
                "deferred -> inflight | accepted | suppressed | expired | cancelled",
                "unknown -> inflight | accepted | unconfirmed",
                "unconfirmed -> accepted",
            ], lines);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_answer_to_an_earlier_attempt_is_dropped(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await ForceAsync(fixture, id, MessageState.Inflight, attempt: 2);

        var moved = await fixture.Database.WriteAsync(session => Ledger.MoveAsync(
            session, [new Move(id, 1, 1, MessageState.Deferred, "late", fixture.Now)], fixture.Now, fixture.Now, default), default);

        Assert.Empty(moved);
        Assert.Equal(MessageState.Inflight, (await fixture.StateAsync(id)).State);
        Assert.Empty(await fixture.Messages.AnswersAsync(1, id, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_send_key_that_is_in_the_ledger_plans_nothing(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");
        var message = fixture.Plan(contact);

        var first = await fixture.Database.WriteAsync(session => Ledger.PlanAsync(session, [message, fixture.Plan(contact)], fixture.Now, default), default);
        var again = await fixture.Database.WriteAsync(session => Ledger.PlanAsync(session, [message with { Template = "other" }], fixture.Now, default), default);

        Assert.Equal((2, 0), (first, again));
        Assert.Equal("welcome", (await fixture.FindAsync(message.Id)).Template);
    }

    private static Task<int> ForceAsync(DeliveryFixture fixture, Guid id, MessageState state, int attempt = 1)
    {
        var live = state is MessageState.Queued or MessageState.Deferred or MessageState.Unknown;
        return fixture.Database.WriteAsync(session => session.ExecuteAsync(
            "UPDATE message SET state = @state, attempt = @attempt, due_at = @due, lease_until = @lease, instance_id = id WHERE id = @id", default,
            ("state", (int)state), ("attempt", attempt), ("due", live ? fixture.Now : null), ("lease", state == MessageState.Inflight ? fixture.Now + 1000 : null), ("id", id)), default);
    }

    private static Task<int> MoveAsync(DeliveryFixture fixture, Guid id, MessageState to) => fixture.Database.WriteAsync(async session => to switch
    {
        MessageState.Inflight => await Ledger.TakeUpAsync(session, [new TakenUp(id, 2, "ada@example.org", "stub", fixture.Now + 1000, "shop.example")], 1, fixture.Now, default),
        MessageState.Cancelled => await Ledger.CancelAsync(session, [id], "the contact left", fixture.Now, default),
        _ => (await Ledger.MoveAsync(session, [new Move(
            id, 1, 1, to, "reason", to is MessageState.Queued or MessageState.Deferred or MessageState.Unknown ? fixture.Now : null)], fixture.Now, fixture.Now, default)).Count,
    }, default);
}
