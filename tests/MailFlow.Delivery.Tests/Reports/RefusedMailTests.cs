using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>A provider that refuses a mail at its hand-over tells as much as one that reports a bounce later.</summary>
public sealed class RefusedMailTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_address_that_the_relay_refuses_as_unknown_is_suppressed_counted_and_told_once(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Reject, Refusal = new("550 5.1.1 no such mailbox", BounceKind.Hard) };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);

        var id = await fixture.SentAsync("ada");
        await fixture.WorkAsync();
        Assert.Equal((MessageState.Rejected, "not sent: 550 5.1.1 no such mailbox"), await fixture.Delivery.StateAsync(id));
        // The provider reports it too, as a bounce and once more.
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.Hard, reason: "bounced"), fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.Hard, reason: "again"));
        var next = await fixture.SentAsync("ada");

        Assert.Equal(1, stub.Calls);
        Assert.Equal(MessageState.Suppressed, (await fixture.Delivery.StateAsync(next)).State);
        Assert.Equal(("hard_bounce", "all", "550 5.1.1 no such mailbox"), Assert.Single(await fixture.SuppressionsAsync("ada@example.org")) is var found ? (found.Reason, found.Scope, found.Detail) : default);
        Assert.Equal(1, await fixture.CountAsync("SELECT hard_bounces FROM sending_day WHERE subject = 'domain:shop.example'"));
        var (type, payload) = Assert.Single(await fixture.EventsAsync());
        Assert.Equal(("email_bounced", "hard", id.ToString(), "550 5.1.1 no such mailbox"), (type, payload["bounce"], payload["message_id"], payload["reason"]));
        Assert.Equal(MessageState.Rejected, (await fixture.Delivery.StateAsync(id)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_an_address_on_the_providers_list_the_stream_is_suppressed_and_nothing_is_counted(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Reject, Refusal = new("406 inactive recipient", Listed: ListedFor.Unsaid) };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);

        await fixture.SentAsync("ada", FeedbackFixture.Transactional);
        await fixture.WorkAsync();

        Assert.Equal(("listed_at_provider", "transactional"), Assert.Single(await fixture.SuppressionsAsync("ada@example.org")) is var found ? (found.Reason, found.Scope) : default);
        Assert.Equal(0, await fixture.CountAsync("SELECT coalesce(sum(hard_bounces), 0) FROM sending_day"));
        Assert.Empty(await fixture.EventsAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_says_nothing_of_the_recipient_does_nothing_to_it(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = _ => StubAnswer.Reject, Refusal = new("400 the request cannot be read") };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);

        var id = await fixture.SentAsync("ada");
        await fixture.WorkAsync();

        Assert.Equal(MessageState.Rejected, (await fixture.Delivery.StateAsync(id)).State);
        Assert.Empty(await fixture.SuppressionsAsync("ada@example.org"));
        Assert.Empty(await fixture.EventsAsync());
    }
}
