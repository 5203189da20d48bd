using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Tests.Routing;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Deliverability;

public sealed class AccountRoutesTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domain_is_checked_for_the_connections_that_are_given_mail_or_for_the_servers_own_provider(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        Assert.Equal([new SendingRoute("sandbox")], await RoutesAsync(fixture, 1));

        await fixture.ConnectAsync("main");
        await fixture.ConnectAsync("off", draft: new ConnectionDraft(Enabled: false));
        await fixture.ConnectAsync("idle", draft: new ConnectionDraft(MarketingWeight: 0, TransactionalWeight: 0));

        Assert.Equal([new SendingRoute("stub")], await RoutesAsync(fixture, 1));
        Assert.True((await RoutesAsync(fixture, 1))[0].IsReal);
        Assert.Equal([new SendingRoute("sandbox")], await RoutesAsync(fixture, 2));
    }

    private static Task<IReadOnlyList<SendingRoute>> RoutesAsync(RoutingFixture fixture, int account) =>
        fixture.Delivery.Database.ReadAsync(session => fixture.Delivery.Get<ISendingRoutes>().OfAsync(session, account, default), default);
}
