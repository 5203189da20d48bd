using MailFlow.Delivery.Sending;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

public sealed class RetryTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_that_is_put_off_is_tried_again_later_and_its_answers_are_kept(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = email => email.Attempt < 3 ? StubAnswer.Defer : StubAnswer.Accept };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();
        var deferred = await fixture.FindAsync(id);
        fixture.Time.Advance(TimeSpan.FromSeconds(30));
        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromSeconds(60));
        await fixture.SendAllAsync();

        Assert.Equal((MessageState.Deferred, "451 try again later"), (deferred.State, deferred.Reason));
        Assert.Equal(3, Assert.Single(stub.Taken).Attempt);
        Assert.Equal((MessageState.Accepted, null), await fixture.StateAsync(id));
        Assert.Equal([(1, MessageState.Deferred), (2, MessageState.Deferred)], (await fixture.Messages.AnswersAsync(1, id, default)).Select(answer => (answer.Attempt, answer.State)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_that_is_put_off_for_72_hours_expires_with_the_last_answer(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Defer };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        for (var hour = 0; hour <= 74; hour++)
        {
            await fixture.SendAllAsync();
            fixture.Time.Advance(TimeSpan.FromHours(1));
        }

        var (state, reason) = await fixture.StateAsync(id);
        Assert.Equal(MessageState.Expired, state);
        Assert.Matches("^not sent: tried \\d+ times until 8 January 2026 09:00 UTC; last answer: 451 try again later$", reason);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_rejected_mail_is_not_tried_again(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Reject };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromDays(1));
        await fixture.SendAllAsync();

        Assert.Equal(1, stub.Calls);
        Assert.Equal((MessageState.Rejected, "not sent: 550 no such mailbox"), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_provider_that_names_a_delay_is_not_asked_before(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Defer, RetryAfter = TimeSpan.FromHours(2) };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromMinutes(119));
        await fixture.SendAllAsync();

        Assert.Equal(1, stub.Calls);
    }

    [Fact]
    public void The_back_off_doubles_from_half_a_minute_to_an_hour_and_is_spread()
    {
        var schedule = new RetrySchedule(new Random(1));
        for (var attempt = 1; attempt <= 40; attempt++)
        {
            var whole = Math.Min(3600, 30 * Math.Pow(2, attempt - 1));
            for (var sample = 0; sample < 50; sample++)
                Assert.InRange(schedule.After(attempt, null).TotalSeconds, whole / 2, whole);
        }
        Assert.True(Enumerable.Range(0, 50).Select(_ => schedule.After(1, null)).Distinct().Count() > 40);
        Assert.InRange(schedule.After(1, TimeSpan.FromHours(5)).TotalHours, 5, 5.5);
    }
}
