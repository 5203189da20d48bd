using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery.Tests.Reports;
using MailFlow.Engine.Facts;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>What mail and consents tell those who asked.</summary>
public sealed class MailFactTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Every_end_of_a_message_is_told_once_with_its_reason(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        await AskAsync(fixture);
        var ada = await fixture.ContactAsync("ada");
        var accepted = await fixture.QueueAsync(ada);
        var suppressed = await fixture.QueueAsync(await fixture.ContactAsync("bob", email: null));
        var expired = await fixture.QueueAsync(ada, message => message with { ExpiresAt = fixture.Now });
        await fixture.SendAllAsync();
        var cancelled = await fixture.QueueAsync(ada, message => message with { InstanceId = message.Id });
        await fixture.Database.WriteAsync(session => Ledger.CancelAsync(session, [cancelled], "the contact placed an order", fixture.Now, default), default);
        stub.Answer = _ => StubAnswer.Reject;
        var rejected = await fixture.QueueAsync(ada);
        await fixture.SendAllAsync();

        var told = await ToldAsync(fixture);
        Assert.Equal(
            [$"message.accepted {accepted}", $"message.cancelled {cancelled}", $"message.expired {expired}", $"message.rejected {rejected}", $"message.suppressed {suppressed}"],
            told.Select(fact => $"{fact.Type} {fact.Data["message_id"]}").Order());
        Assert.All(told, fact => Assert.Equal(("welcome", "marketing", false), ((string)fact.Data["template"]!, (string)fact.Data["stream"]!, fact.Data.ContainsKey("email"))));
        Assert.Equal("not sent: the contact placed an order", told.Single(fact => fact.Type == "message.cancelled").Data["reason"]);
        Assert.Equal("bob", told.Single(fact => fact.Type == "message.suppressed").Data["user_id"]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_move_that_is_not_made_tells_nothing(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await AskAsync(fixture);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.SendAllAsync();
        await fixture.Database.WriteAsync(session => Ledger.MoveAsync(session, [new Move(id, 1, 1, MessageState.Rejected, "too late")], fixture.Now, 0, default), default);
        await fixture.Database.WriteAsync(session => Ledger.SettleAsync(session, [new Settlement(id, 1, MessageState.Inflight, 1, "late", null)], fixture.Now, default), default);
        Assert.Equal(["message.accepted"], (await ToldAsync(fixture)).Select(fact => fact.Type));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Consents_are_told_when_they_change_and_unsubscribing_by_the_link_once(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await AskAsync(fixture);
        var contact = await fixture.ContactAsync("ada");
        var consents = fixture.Get<Consents>();
        var yes = new Consent(1, contact.Id, "newsletter", true, "test", fixture.Time.GetUtcNow(), Proof: new ConsentProof(ConsentBasis.Express));
        for (var i = 0; i < 2; i++) await fixture.Database.WriteAsync(session => consents.RecordAsync(session, [yes], default), default);
        var id = await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter" });
        await fixture.SendAllAsync();
        var token = await UnsubscribeTests.TokenOfCapturedMailAsync(fixture);
        for (var i = 0; i < 2; i++) await fixture.Get<Unsubscribe>().ActAsync(token, default, oneClick: true);

        var told = await ToldAsync(fixture);
        Assert.Equal(["contact.consent.changed", "message.accepted", "message.unsubscribed", "contact.consent.changed", "contact.consent.changed"], told.Select(fact => fact.Type));
        Assert.Equal((true, "newsletter", "express", "ada"), ((bool)told[0].Data["granted"]!, (string)told[0].Data["purpose"]!, (string)told[0].Data["basis"]!, (string)told[0].Data["user_id"]!));
        Assert.Equal((id.ToString(), "one_click"), ((string)told[2].Data["message_id"]!, (string)told[2].Data["by"]!));
        Assert.Equal(["marketing", "newsletter"], told.Skip(3).Select(fact => (string)fact.Data["purpose"]!).Order());
        Assert.All(told.Skip(3), fact => Assert.Equal((false, "one_click"), ((bool)fact.Data["granted"]!, (string)fact.Data["source"]!)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_is_reported_of_a_mail_is_told_and_opens_and_clicks_with_their_verdict(DatabaseKind kind)
    {
        await using var feedback = await FeedbackFixture.CreateAsync(kind);
        var fixture = feedback.Delivery;
        await AskAsync(fixture);
        var id = await feedback.SentAsync();
        var bounced = await feedback.SentAsync("bob");
        await feedback.ReportAsync(
            feedback.Report(FeedbackKind.Delivered, id), feedback.Report(FeedbackKind.Clicked, id, url: "https://shop.example/at-once", agent: "Mozilla/5.0"),
            feedback.Report(FeedbackKind.Bounced, bounced, bounce: BounceKind.Hard, reason: "550 no such mailbox"));
        await feedback.SettleAsync();
        fixture.Time.Advance(TimeSpan.FromMinutes(10));
        await feedback.ReportAsync(
            feedback.Report(FeedbackKind.Clicked, id, url: "https://shop.example/new", agent: "Mozilla/5.0 (Macintosh)"), feedback.Report(FeedbackKind.Complained, id), feedback.Report(FeedbackKind.Unsubscribed, id));
        await feedback.SettleAsync();

        var all = await ToldAsync(fixture);
        Assert.Equal("marketing", Assert.Single(all, fact => fact.Type == "contact.consent.changed").Data["purpose"]); // who unsubscribes at the provider refuses it
        var facts = all.Where(fact => fact.Type.StartsWith("message.", StringComparison.Ordinal) && fact.Type != "message.accepted").ToList();
        Assert.Equal(["message.delivered", "message.bounced", "message.clicked", "message.complained", "message.unsubscribed", "message.clicked"], facts.Select(fact => fact.Type));
        Assert.Equal([("https://shop.example/at-once", false), ("https://shop.example/new", true)], facts.Where(fact => fact.Type == "message.clicked").Select(fact => ((string)fact.Data["url"]!, (bool)fact.Data["human"]!)));
        var told = facts.DistinctBy(fact => fact.Type).ToDictionary(fact => fact.Type, fact => fact.Data);
        Assert.Equal(("hard", "550 no such mailbox", "bob"), ((string)told["message.bounced"]["bounce"]!, (string)told["message.bounced"]["reason"]!, (string)told["message.bounced"]["user_id"]!));
        Assert.Equal("provider", told["message.unsubscribed"]["by"]);
    }

    private static Task AskAsync(DeliveryFixture fixture) =>
        fixture.Database.WriteAsync(session => FactInterest.SetAsync(session, 1, FactConsumer.Webhooks, [FactInterest.AllTypes], default), default);

    private static Task<List<(string Type, IReadOnlyDictionary<string, object?> Data)>> ToldAsync(DeliveryFixture fixture) => fixture.Database.ReadAsync(session => session.QueryAsync(
        "SELECT type, data FROM fact ORDER BY seq", row => (row.Text(0), JsonData.ParseMap(row.Text(1))), default), default);
}
