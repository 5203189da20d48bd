using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Routing;

public sealed class ConnectionTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Secrets_are_sealed_at_rest_never_shown_and_kept_when_they_are_left_out(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        var connections = fixture.Delivery.Get<Connections>();
        await connections.PutAsync(1, "main", new(Settings: new Dictionary<string, string?> { ["api_key"] = "s3cret" }), default);
        var changed = await connections.PutAsync(1, "main", new(Name: "Main"), default);

        Assert.Equal(["api_key"], changed.Secrets);
        Assert.DoesNotContain("api_key", changed.Settings.Keys);
        Assert.Equal(("s3cret", "fast"), (fixture.Opened[^1]["api_key"], fixture.Opened[^1]["mode"]));
        var stored = await fixture.Delivery.Database.ReadAsync(session => session.ScalarAsync<string>("SELECT settings FROM provider_connection", default), default);
        Assert.DoesNotContain("s3cret", stored);
        Assert.DoesNotContain("s3cret", fixture.Opened[^1].ToString());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_box_that_writes_a_key_of_its_own_meanwhile_seals_and_opens_all_the_same(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var type = new StubProviderType();
        fixture.Start(services: services => services.AddSingleton<IProviderType>(type).AddSingleton<ISecretBox>(new BoxThatWrites(fixture.Database)));
        type.Stubs["main"] = new StubProvider();
        var connections = fixture.Get<Connections>();

        await connections.PutAsync(1, "main", new("stub", Settings: new Dictionary<string, string?> { ["stub"] = "main", ["api_key"] = "s3cret" }), default);
        await connections.PutAsync(1, "main", new(Name: "Main"), default);
        await fixture.Get<SendingDomains>().PutAsync(1, "shop.test", new(DkimKey: DkimKeyChange.Generate), default);

        Assert.Equal("s3cret", type.Opened[^1]["api_key"]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Two_changes_at_once_are_both_kept(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        var connections = fixture.Delivery.Get<Connections>();

        await Task.WhenAll(connections.PutAsync(1, "main", new(Name: "Main"), default), connections.PutAsync(1, "main", new(MarketingWeight: 7), default));

        var found = (await connections.FindAsync(1, "main", default))!;
        Assert.Equal(("Main", 7), (found.Name, found.MarketingWeight));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_never_see_each_others_connections(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        var connections = fixture.Delivery.Get<Connections>();

        Assert.Empty(await connections.ListAsync(2, default));
        Assert.Null(await connections.FindAsync(2, "main", default));
        Assert.False(await connections.DeleteAsync(2, "main", default));
        Assert.NotNull(await connections.FindAsync(1, "main", default));
    }

    [Theory]
    [InlineData("main", null, null, null, null, "type")]
    [InlineData("main", "pigeon", null, null, null, "type")]
    [InlineData("Main!", "stub", null, null, null, "key")]
    [InlineData("main\n", "stub", null, null, null, "key")]
    [InlineData("sandbox", "stub", null, null, null, "key")]
    [InlineData("main", "stub", "colour", "red", null, "settings.colour")]
    [InlineData("main", "stub", "mode", "sideways", null, "settings.mode")]
    [InlineData("main", "stub", "stub", "", null, "settings.stub")]
    [InlineData("main", "stub", "stub", "x", 101, "marketing_weight")]
    public async Task What_cannot_be_is_refused_by_the_fields_name(string key, string? type, string? setting, string? value, int? weight, string field)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        var settings = setting is null ? null : new Dictionary<string, string?> { [setting] = value };
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Delivery.Get<Connections>().PutAsync(1, key, new(type, Settings: settings, MarketingWeight: weight), default));
        Assert.Equal(field, error.Field);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_change_is_used_from_the_next_hand_over_on_and_a_disabled_one_sends_nothing(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        await fixture.QueueAsync(1);
        await fixture.Delivery.SendAllAsync();
        await fixture.Delivery.Get<Connections>().PutAsync(1, "main", new(Enabled: false), default);
        await fixture.QueueAsync(1, domain: "example.net");
        await fixture.Delivery.SendAllAsync();
        Assert.Single(fixture.Log);

        await fixture.Delivery.Get<Connections>().PutAsync(1, "main", new(Enabled: true), default);
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(2, fixture.Log.Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Mail_of_an_account_with_a_region_leaves_by_connections_of_that_region_alone(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("america", draft: new(Region: "us"));
        await fixture.ConnectAsync("unsaid");
        await fixture.Delivery.Get<AccountSettings>().PutAsync(1, "One", "eu", default);
        await fixture.Delivery.QueueManyAsync(20);
        await fixture.Delivery.SendAllAsync();
        Assert.Empty(fixture.Log);

        await fixture.ConnectAsync("europe", draft: new(Region: "eu"));
        await fixture.Delivery.SendAllAsync();

        // What a sending domain must allow are the ways that mail takes, and no others.
        Assert.Single(await fixture.Delivery.Database.ReadAsync(session => fixture.Delivery.Get<ISendingRoutes>().OfAsync(session, 1, default), default));

        Assert.Equal(20, fixture.Log.Count(entry => entry.Connection == "europe"));
        Assert.Equal(20, fixture.Log.Count);
    }

    /// <summary>As the framework's data protection is when its key has grown old: before it does anything it writes a new one.</summary>
    private sealed class BoxThatWrites(Database database) : ISecretBox
    {
        private readonly PlainSecretBox _box = new();

        public string Seal(string secret)
        {
            Write();
            return _box.Seal(secret);
        }

        public string Open(string stored)
        {
            Write();
            return _box.Open(stored);
        }

        private void Write() => database.WriteAsync(session => session.ExecuteAsync("UPDATE account SET name = name", default), default).GetAwaiter().GetResult();
    }
}
