using MailFlow.Audience.Privacy;
using MailFlow.Delivery.Reports;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>An erasure that comes while what is reported of the person's mail is being written down.</summary>
public sealed class ErasureAmongReportsTests
{
    private const string Phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Lovelace/1.0";

    // Seen red on PostgreSQL: the erasure saw nothing of it, was done, and the event, the address or the browser was written afterwards.
    [Theory]
    [InlineData("a human's click judged", "feedback.settle.before-commit")]
    [InlineData("a machine's click judged", "feedback.settle.before-commit")]
    [InlineData("a click", "feedback.before-commit")]
    [InlineData("a refusal", "feedback.before-commit")]
    public async Task It_waits_for_them_and_leaves_nothing_of_them(string reported, string point)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(DatabaseKind.PostgreSql);
        var id = await fixture.SentAsync("ada-7", FeedbackFixture.Transactional, "ada@example.org");
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(5));
        Task<PrivacyRequest>? erasing = null;
        fixture.Start(new At(point, () =>
        {
            if (erasing is not null) return;
            using (ExecutionContext.SuppressFlow()) erasing = Task.Run(() => fixture.Delivery.Get<Erasure>().BeginAsync(1, "ada-7", default));
            Assert.True(SpinWait.SpinUntil(() => erasing.IsCompleted || fixture.Delivery.IsAnyWaiting(), TimeSpan.FromMinutes(1)));
        }));

        if (reported == "a refusal")
            await fixture.Delivery.Database.WriteAsync(session => RefusedMail.StoreAsync(
                session, [(1, new RefusedMail(id, 1, fixture.Now, BounceKind.Hard, null, "550 5.1.1 no such user"))], fixture.Delivery.Now, default), default);
        else
            await fixture.TakeAsync(fixture.Report(FeedbackKind.Clicked, id, url: "https://shop.example/goodbye?for=lovelace", agent: reported.Contains("machine", StringComparison.Ordinal) ? "curl/8 lovelace" : Phone));
        await fixture.WorkAsync();
        await fixture.SettleAsync();
        var isDone = (await erasing!).DoneAt is not null;
        Assert.False(isDone && await EventsAsync() > 0, "It was done, and the contact's event came after it.");
        await fixture.Delivery.Database.WriteAsync(session => session.ExecuteAsync("DELETE FROM inbox", default), default); // as the shard's worker does
        await fixture.Delivery.Get<Erasure>().RunOnceAsync(default);

        Assert.NotNull((await fixture.Delivery.Get<Erasure>().BeginAsync(1, "ada-7", default)).DoneAt);
        Assert.Equal((0, 0), (
            await fixture.CountAsync("SELECT count(*) FROM suppression WHERE email = 'ada@example.org'"),
            await fixture.CountAsync("SELECT count(*) FROM message_event WHERE lower(url) LIKE '%lovelace%' OR lower(user_agent) LIKE '%lovelace%'")));

        Task<long> EventsAsync() => fixture.CountAsync("SELECT count(*) FROM inbox WHERE user_id = 'ada-7'");
    }
}
