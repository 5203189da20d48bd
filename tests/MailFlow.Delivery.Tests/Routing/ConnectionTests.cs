using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Routing;
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

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_account_with_a_region_does_not_send_by_the_servers_own_provider_of_no_region(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        await fixture.Get<AccountSettings>().PutAsync(1, "One", "eu", default);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));

        await fixture.SendAllAsync();

        Assert.Equal(0, stub.Calls);
        Assert.Contains("'eu'", (await fixture.Get<SendingOverview>().ReadAsync(1, default)).Notes[0]);
        await Assert.ThrowsAsync<ConflictException>(() => fixture.Get<TrialMail>().SendAsync(1, "welcome", "me@shop.example", new Trial(null, null, JsonData.Empty, JsonData.Empty), "ada", default));

        fixture.Start(options: fixture.Options with { Region = "us" });
        await fixture.SendAllAsync();
        Assert.Equal(0, stub.Calls);
        fixture.Start(options: fixture.Options with { Region = "eu" });
        await fixture.SendAllAsync();
        Assert.Equal(1, stub.Calls);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_account_of_another_region_than_the_installations_is_refused(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        fixture.Start(options: fixture.Options with { DataRegion = "us" });
        var settings = fixture.Get<AccountSettings>();

        Assert.Equal("region", (await Assert.ThrowsAsync<InvalidInputException>(() => settings.PutAsync(1, "One", "eu", default))).Field);
        Assert.Equal("us", (await settings.PutAsync(1, "One", "us", default)).Region);
        Assert.Null((await settings.PutAsync(1, "One", null, default)).Region);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_the_sandbox_captures_stays_here_so_it_is_in_every_region(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.Get<AccountSettings>().PutAsync(1, "One", "eu", default);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.SendAllAsync();
        await fixture.Get<Connections>().PutAsync(1, "captured", new("sandbox"), default);
        await fixture.QueueAsync(await fixture.ContactAsync("bob"));

        await fixture.SendAllAsync();

        Assert.Equal(2, (await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items.Count);
    }

    [Theory]
    [InlineData("ses", "eu-central-1", "us", "eu")]
    [InlineData("ses", "us-east-1", "eu", "us")]
    [InlineData("ses", "eu-west-2", "eu", "uk")] // London
    [InlineData("sendgrid", "eu", "us", "eu")]
    [InlineData("sendgrid", "global", "eu", "us")]
    [InlineData("mailgun", "us", "eu", "us")]
    [InlineData("postmark", null, "eu", "us")]
    public async Task A_connection_is_in_the_region_that_its_settings_say_and_cannot_be_called_another(string type, string? region, string wrong, string right)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        var settings = type switch
        {
            "ses" => new Dictionary<string, string?> { ["region"] = region, ["access_key_id"] = "AKIA", ["secret_access_key"] = "s" },
            "mailgun" => new() { ["region"] = region, ["api_key"] = "k", ["domain"] = "shop.example" },
            "postmark" => new() { ["server_token"] = "t" },
            _ => new() { ["region"] = region, ["api_key"] = "k" },
        };

        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Get<Connections>().PutAsync(1, "main", new(type, Region: wrong, Settings: settings), default));
        Assert.Equal("region", refused.Field);
        Assert.Equal(right, (await fixture.Get<Connections>().PutAsync(1, "main", new(type, Settings: settings), default)).Region);
        Assert.Equal(right, (await fixture.Get<Connections>().FindAsync(1, "main", default))!.Region);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_connection_that_cannot_be_opened_stops_itself_and_no_other_accounts_mail(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        var (mine, other) = (await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada")), await OtherAccountsMailAsync(fixture));
        fixture.Forget("main"); // it cannot be opened any more, as when its secret is lost
        fixture.Start();

        await fixture.Delivery.SendAllAsync();

        Assert.Equal((MessageState.Queued, MessageState.Accepted), ((await fixture.Delivery.FindAsync(mine)).State, (await fixture.Delivery.FindAsync(other, 2)).State));
        var state = await fixture.StateAsync();
        Assert.Equal(["connection:main", "connection:main"], state.Stops.Select(stop => stop.Subject));
        Assert.Contains("cannot be opened", state.Stops[0].Reason);

        await fixture.ConnectAsync("main");
        Assert.True(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "connection:main", default));
        await fixture.Delivery.SendAllAsync();
        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.FindAsync(mine)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_whose_answer_was_lost_waits_for_its_connection_to_be_opened_again_and_goes_by_no_other(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var stub = await fixture.ConnectAsync("main");
        stub.Answer = _ => StubAnswer.AcceptThenDrop;
        var id = await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada"));
        await fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        await fixture.ConnectAsync("second");
        fixture.Forget("main");
        fixture.Start();

        await fixture.RunAsync(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1));
        Assert.Equal((MessageState.Unknown, 1), ((await fixture.Delivery.FindAsync(id)).State, fixture.Log.Count));

        stub.Answer = _ => StubAnswer.Accept;
        fixture.Restore("main", stub);
        Assert.True(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "connection:main", default));
        await fixture.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(10));
        Assert.Equal((MessageState.Accepted, 1), ((await fixture.Delivery.FindAsync(id)).State, stub.Taken.Count));
        Assert.DoesNotContain(fixture.Log, entry => entry.Connection == "second");
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_connection_of_a_kind_that_this_server_does_not_know_stops_itself_and_can_be_deleted(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        await fixture.Delivery.Database.WriteAsync(session => session.ExecuteAsync("UPDATE provider_connection SET type = 'pigeon'", default), default);
        await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada"));
        var other = await OtherAccountsMailAsync(fixture);

        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.FindAsync(other, 2)).State);
        Assert.Contains("'pigeon'", (await fixture.StateAsync()).Stops[0].Reason);
        Assert.Equal("pigeon", Assert.Single(await fixture.Delivery.Get<Connections>().ListAsync(1, default)).Type);
        Assert.Equal("type", (await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Delivery.Get<Connections>().PutAsync(1, "main", new(Enabled: false), default))).Field);
        await fixture.ConnectAsync("another"); // for the mail that waits
        Assert.True(await fixture.Delivery.Get<Connections>().DeleteAsync(1, "main", default));
    }

    // Seen red: the new connection was asked for the mail, had never seen it, and was given it.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_key_of_a_deleted_connection_is_taken_again_only_when_no_mail_of_it_is_in_doubt(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("other");
        (await fixture.ConnectAsync("main", ReplayPolicy.Neither, new ConnectionDraft { MarketingWeight = 100 })).Answer = _ => StubAnswer.AcceptThenDrop;
        await fixture.Delivery.Get<Connections>().PutAsync(1, "other", new() { MarketingWeight = 0 }, default);
        var id = await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada"));
        await fixture.Delivery.SendAllAsync();
        await fixture.Delivery.Get<Connections>().PutAsync(1, "other", new() { MarketingWeight = 1 }, default);
        await fixture.Delivery.Get<Connections>().DeleteAsync(1, "main", default);

        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => fixture.ConnectAsync("main", ReplayPolicy.Searchable));
        Assert.Equal("key", refused.Field);
        Assert.Contains("that it was given (1) is not known yet", refused.Problem);
        await fixture.RunAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(15));
        Assert.Equal(MessageState.Unconfirmed, (await fixture.Delivery.StateAsync(id)).State);
        await fixture.ConnectAsync("main", ReplayPolicy.Searchable);
    }

    // Seen red: the sandbox captured what waited, and the ledger called it sent.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_last_connection_is_not_deleted_while_mail_waits_that_would_reach_nobody(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var connections = fixture.Delivery.Get<Connections>();
        await fixture.ConnectAsync("main");
        await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada"));

        Assert.Contains("1 mail waits", (await Assert.ThrowsAsync<ConflictException>(() => connections.DeleteAsync(1, "main", default))).Message, StringComparison.Ordinal);
        Assert.NotNull(await connections.FindAsync(1, "main", default));

        await fixture.Delivery.SendAllAsync();
        Assert.True(await connections.DeleteAsync(1, "main", default));
    }

    [Fact]
    public async Task The_last_connection_is_deleted_while_mail_waits_where_the_servers_own_relay_passes_it_on()
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        fixture.Start(fixture.Delivery.Options with { Provider = "smtp", Smtp = new() { Host = "relay.example" } });
        await fixture.ConnectAsync("main");
        await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("ada"));

        Assert.True(await fixture.Delivery.Get<Connections>().DeleteAsync(1, "main", default));
    }

    private static async Task<Guid> OtherAccountsMailAsync(RoutingFixture fixture)
    {
        await fixture.Delivery.TemplateAsync("welcome", "Hi", account: 2);
        return await fixture.Delivery.QueueAsync(await fixture.Delivery.ContactAsync("bob", account: 2));
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
