using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Routing;

/// <summary>A stop is made or ended together with a change of sender or routes, in the middle of a hand-over on PostgreSQL, where each statement sees what is committed by then.</summary>
public sealed class StopRaceTests
{
    // The hand-over waits for the table while the change is made. Seen red, each in its way: the stops read before the routes alone, after them alone, the sender read first.
    // The mail left from the domain that it was stopped for, or was taken for a route that was not to have it.
    [Theory]
    [InlineData("sending_stop", "the sender is mended")]
    [InlineData("sender", "the sender is mended")]
    [InlineData("sending_stop", "the route is closed")]
    [InlineData("provider_connection", "the route is closed")]
    [InlineData("sending_stop", "the route is opened")]
    [InlineData("provider_connection", "the route is opened")]
    public async Task A_hand_over_never_sees_half_of_a_change(string table, string change)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.PostgreSql);
        fixture.Delivery.Options = fixture.Delivery.Options with { Sender = new("Shop", "hello@failed.example", null, "1 High Street") };
        fixture.Start();
        var stub = await fixture.ConnectAsync("main");
        var from = "";
        stub.OnSend = email => from = email.From.Address.Domain;
        var (isOpened, isMended) = (change == "the route is opened", change == "the sender is mended");
        var stop = new NewStop(1, SendingStops.OfSender, MessageStream.Marketing, "unfit");
        await fixture.Delivery.Database.WriteAsync(session => isOpened
            ? session.ExecuteAsync("UPDATE provider_connection SET enabled = false", default)
            : SendingStops.StopAsync(session, [stop], default), default);
        var id = Assert.Single(await fixture.QueueAsync(1));

        var round = Task.CompletedTask;
        await fixture.Delivery.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync($"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", default);
            using (ExecutionContext.SuppressFlow()) round = Task.Run(() => fixture.Delivery.Get<MessageSender>().RunOnceAsync(default));
            while (await session.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE relation = @table::regclass AND NOT granted", default, ("table", table)) == 0)
            {
                Assert.False(round.IsCompleted, "The hand-over did not come by the table.");
                await Task.Yield();
            }
            await (isOpened ? SendingStops.StopAsync(session, [stop], default) : session.ExecuteAsync("DELETE FROM sending_stop", default));
            if (isMended)
                await session.ExecuteAsync("INSERT INTO sender (account_id, name, email, postal_address, updated_at) VALUES (1, 'Shop', 'hello@shop.example', '1 High Street', 0)", default);
            else await session.ExecuteAsync($"UPDATE provider_connection SET enabled = {isOpened}", default);
        }, default);
        await round;
        if (isMended) await fixture.Delivery.SendAllAsync();

        Assert.Equal(isMended ? MessageState.Accepted : MessageState.Queued, (await fixture.Delivery.StateAsync(id)).State);
        Assert.Equal(isMended ? 1 : 0, stub.Calls);
        Assert.Equal(isMended ? "shop.example" : "", from);
    }
}
