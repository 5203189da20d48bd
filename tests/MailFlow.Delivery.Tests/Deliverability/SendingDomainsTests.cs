using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Deliverability.Dkim;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Deliverability;

public sealed class SendingDomainsTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domain_comes_back_as_it_was_put_and_no_other_account_sees_it(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind);
        var domains = fixture.Get<SendingDomains>();

        await domains.PutAsync(1, "Shop.Test", new(ReturnPath: "bounce.shop.test", TrackingHost: "links.shop.test", DkimSelector: "s1"), default);
        await domains.PutAsync(1, "münchen.test", new(), default);

        var found = (await domains.FindAsync(1, "shop.test", default))!;
        Assert.Equal(("shop.test", "bounce.shop.test", "links.shop.test", "s1", false), (found.Domain, found.ReturnPath, found.TrackingHost, found.Dkim!.Selector, found.Dkim.Ours));
        var first = await domains.ListAsync(1, null, 1, default);
        Assert.Equal(["shop.test", "xn--mnchen-3ya.test"], [first.Items[0].Domain, (await domains.ListAsync(1, first.Next, 1, default)).Items[0].Domain]);
        Assert.Null(await domains.FindAsync(2, "shop.test", default));
        Assert.False(await domains.DeleteAsync(2, "shop.test", default));
        await Assert.ThrowsAsync<NotFoundException>(() => domains.CheckAsync(2, "shop.test", default));
        Assert.True(await domains.DeleteAsync(1, "shop.test", default));
        Assert.Null(await domains.FindAsync(1, "shop.test", default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domain_is_looked_at_again_a_day_after_its_last_check(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind);
        var domains = fixture.Get<SendingDomains>();
        await domains.PutAsync(1, "shop.test", new(), default);
        await domains.PutAsync(2, "other.test", new(), default);
        Assert.Equal(0, await domains.RecheckAsync(default)); // nobody has asked for the first
        await domains.CheckAsync(1, "shop.test", default);
        fixture.Time.Advance(TimeSpan.FromHours(23));
        Assert.Equal(0, await domains.RecheckAsync(default));
        fixture.Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, await domains.RecheckAsync(default));
        Assert.Equal(fixture.Time.GetUtcNow(), (await domains.FindAsync(1, "shop.test", default))!.CheckedAt);
        Assert.Equal(0, await domains.RecheckAsync(default));
    }

    // Seen red: the failure was gone, and with it the stop of the sender that it had made.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_failure_holds_through_the_silence_of_DNS_and_ends_with_an_answer(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind);
        await fixture.Get<SendingDomains>().PutAsync(1, "shop.test", new(), default);
        var failed = await fixture.Get<SendingDomains>().CheckAsync(1, "shop.test", default);
        Assert.Equal(CheckState.Fail, failed.Checks.Single(check => check.Name == "spf").State);

        fixture.Start(services: services => services.AddSingleton<IDnsResolver>(new Answering(DnsOutcome.ServerFailure)));
        var silent = await fixture.Get<SendingDomains>().CheckAsync(1, "shop.test", default);
        Assert.Equal(CheckState.Fail, silent.State);
        Assert.Equal(failed.Checks.Single(check => check.Name == "spf").Meaning, silent.Checks.Single(check => check.Name == "spf").Meaning);

        fixture.Start(services: services => services.AddSingleton<IDnsResolver>(new Fixed([
            new("shop.test", DnsType.Txt, "v=spf1 -all"), new("_dmarc.shop.test", DnsType.Txt, "v=DMARC1; p=none")])));
        Assert.NotEqual(CheckState.Fail, (await fixture.Get<SendingDomains>().CheckAsync(1, "shop.test", default)).Checks.Single(check => check.Name == "spf").State);
    }

    private sealed class Answering(DnsOutcome outcome) : IDnsResolver
    {
        public Task<DnsAnswer> QueryAsync(string name, DnsType type, CancellationToken ct) => Task.FromResult(new DnsAnswer(outcome, [], name));
    }

    [Fact]
    public async Task A_domain_without_room_for_its_DMARC_record_is_refused()
    {
        await using var fixture = await StartAsync(DatabaseKind.Sqlite);
        var longest = string.Join('.', Enumerable.Repeat(new string('a', 60), 3)) + $".{new string('b', 58)}.test";
        Assert.Equal(246, longest.Length);
        Assert.Equal(longest, (await fixture.Get<SendingDomains>().PutAsync(1, longest, new(), default)).Domain);
        Assert.Equal("domain", (await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Get<SendingDomains>().PutAsync(1, $"b{longest}", new(), default))).Field);
    }

    // Seen red: the first of them ended the round, and was the first of the next.
    [Fact]
    public async Task A_domain_that_cannot_be_checked_leaves_the_others_their_turn()
    {
        await using var fixture = await StartAsync(DatabaseKind.Sqlite);
        foreach (var name in new[] { "bad.test", "good.test" })
        {
            await fixture.Get<SendingDomains>().PutAsync(1, name, new(), default);
            await fixture.Get<SendingDomains>().CheckAsync(1, name, default);
        }
        fixture.Time.Advance(TimeSpan.FromDays(2));
        fixture.Start(services: services => services.AddSingleton<IDnsResolver>(new Broken("bad.test")));

        var error = await Assert.ThrowsAsync<AggregateException>(() => fixture.Get<SendingDomains>().RecheckAsync(default));

        Assert.Equal("Of 2 sending domains 1 could not be checked again. (bad.test)", error.Message);
        Assert.Equal(fixture.Time.GetUtcNow(), (await fixture.Get<SendingDomains>().FindAsync(1, "good.test", default))!.CheckedAt);
    }

    private sealed class Broken(string domain) : IDnsResolver
    {
        public Task<DnsAnswer> QueryAsync(string name, DnsType type, CancellationToken ct) =>
            name.EndsWith(domain, StringComparison.Ordinal) ? throw new FormatException(domain) : Task.FromResult(new DnsAnswer(DnsOutcome.NoSuchName, [], name));
    }

    // Seen red: they were the oldest for ever, and where there were as many as one round takes nobody else had a turn.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_failed_domain_that_was_deleted_takes_no_turn_of_those_that_are_looked_at_again(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind);
        var domains = fixture.Get<SendingDomains>();
        await domains.PutAsync(1, "shop.test", new(), default);
        Assert.Equal(CheckState.Fail, (await domains.CheckAsync(1, "shop.test", default)).State);
        Assert.True(await domains.DeleteAsync(1, "shop.test", default));
        fixture.Time.Advance(TimeSpan.FromDays(2));

        Assert.Equal(0, await domains.RecheckAsync(default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_new_key_signs_from_the_check_on_that_sees_its_record(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind);
        var domains = fixture.Get<SendingDomains>();

        var put = await domains.PutAsync(1, "shop.test", new(DkimKey: DkimKeyChange.Generate), default);
        Assert.Equal(("mailflow202601", true), (put.NextDkim!.Selector, put.NextDkim.Ours));
        Assert.Null(put.Dkim);
        Assert.StartsWith("v=DKIM1; k=rsa; p=MII", put.NextDkim.Record.Value);
        var failed = await domains.CheckAsync(1, "shop.test", default);
        Assert.Equal((CheckState.Fail, true), (failed.State, failed.NextDkim is not null));
        Assert.Null(await fixture.Get<DkimKeys>().FindAsync(1, "shop.test", default));

        await using var dns = await RealDnsServer.StartAsync(RealDnsServer.Txt(put.NextDkim.Record.Name, put.NextDkim.Record.Value));
        fixture.Start(services: services => With(services, dns));
        var checkedNow = await fixture.Get<SendingDomains>().CheckAsync(1, "shop.test", default);
        Assert.Equal((CheckState.Pass, "mailflow202601", true), (checkedNow.Checks[1].State, checkedNow.Dkim!.Selector, checkedNow.NextDkim is null));
        var key = (await fixture.Get<DkimKeys>().FindAsync(1, "shop.test", default))!.Value;
        Assert.Equal(put.NextDkim.Record.Value, key.Key.Record);
        Assert.Null(await fixture.Get<DkimKeys>().FindAsync(2, "shop.test", default));

        // The next one waits again, and the first goes on signing.
        var rotated = await fixture.Get<SendingDomains>().PutAsync(1, "shop.test", new(DkimKey: DkimKeyChange.Generate), default);
        Assert.Equal(("mailflow202601", "mailflow202601-2"), (rotated.Dkim!.Selector, rotated.NextDkim!.Selector));
        var waiting = await fixture.Get<SendingDomains>().CheckAsync(1, "shop.test", default);
        Assert.Equal((CheckState.Pass, "mailflow202601"), (waiting.Checks[1].State, waiting.Dkim!.Selector));
        Assert.Contains("waits", waiting.Checks[1].Meaning);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domain_that_failed_stays_failed_until_it_is_checked_again_whatever_is_changed(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind, new DnsRecord("shop.test", DnsType.Mx, "mx.shop.test", 1));
        var domains = fixture.Get<SendingDomains>();
        await domains.PutAsync(1, "shop.test", new(), default);
        var failed = await domains.CheckAsync(1, "shop.test", default);

        var changed = await domains.PutAsync(1, "shop.test", new(TrackingHost: "links.shop.test"), default);
        Assert.Equal((CheckState.Fail, failed.CheckedAt), (changed.State, changed.CheckedAt));
        Assert.All(changed.Checks, check => Assert.Equal(CheckState.Fail, check.State));

        Assert.True(await domains.DeleteAsync(1, "shop.test", default));
        Assert.Null(await domains.FindAsync(1, "shop.test", default));
        Assert.Empty((await domains.ListAsync(1, null, 10, default)).Items);
        Assert.False(await domains.DeleteAsync(1, "shop.test", default));
        await Assert.ThrowsAsync<NotFoundException>(() => domains.CheckAsync(1, "shop.test", default));
        Assert.Equal(CheckState.Fail, (await fixture.Database.ReadAsync(session => SendingDomains.FindAsync(session, 1, "shop.test", default), default))!.State);

        var again = await domains.PutAsync(1, "shop.test", new(), default);
        Assert.Equal((CheckState.Fail, null), (again.State, again.TrackingHost));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Private_keys_are_stored_sealed(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind);
        var key = DkimKey.Generate();
        await fixture.Get<SendingDomains>().PutAsync(1, "shop.test", new(DkimSelector: "s1", DkimPrivateKey: key.PrivatePem), default);

        var stored = await fixture.Database.ReadAsync(session => session.ScalarAsync<string>("SELECT next_key FROM sending_domain", default), default);
        Assert.Equal(new PlainSecretBox().Seal(key.PrivatePem), stored);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_change_forgets_what_was_found_and_putting_the_same_does_not(DatabaseKind kind)
    {
        await using var fixture = await StartAsync(kind, new DnsRecord("shop.test", DnsType.Mx, "mx.shop.test", 1));
        var domains = fixture.Get<SendingDomains>();
        await domains.PutAsync(1, "shop.test", new(DkimSelector: "s1"), default);
        await domains.CheckAsync(1, "shop.test", default);

        var same = await domains.PutAsync(1, "shop.test", new(DkimSelector: "s1"), default);
        Assert.Equal((CheckState.Fail, 6), (same.State, same.Checks.Count));
        Assert.Equal("shop.test MX 1 mx.shop.test", same.Checks[3].Found[0]);
        await fixture.Database.WriteAsync(session => session.ExecuteAsync($"UPDATE sending_domain SET state = {(int)CheckState.Warning}", default), default); // a failure would stay: below
        var changed = await domains.PutAsync(1, "shop.test", new(DkimSelector: "s2"), default);
        Assert.Equal((CheckState.NotChecked, 0, true), (changed.State, changed.Checks.Count, changed.CheckedAt is null));
    }

    [Theory]
    [InlineData("not a domain", null, null, null, DkimKeyChange.Keep, null, "domain")]
    [InlineData("localhost", null, null, null, DkimKeyChange.Keep, null, "domain")]
    [InlineData("shop.test", "a b", null, null, DkimKeyChange.Keep, null, "return_path")]
    [InlineData("shop.test", null, "https://x.test", null, DkimKeyChange.Keep, null, "tracking_host")]
    [InlineData("shop.test", null, null, "a b", DkimKeyChange.Keep, null, "dkim_selector")]
    [InlineData("shop.test", null, null, "s1", DkimKeyChange.Keep, "no key", "dkim_private_key")]
    [InlineData("shop.test", null, null, "s1", DkimKeyChange.Generate, "no key", "dkim_private_key")]
    public async Task What_cannot_be_used_is_refused_by_name(string domain, string? path, string? host, string? selector, DkimKeyChange change, string? pem, string field)
    {
        await using var fixture = await StartAsync(DatabaseKind.Sqlite);
        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Get<SendingDomains>().PutAsync(1, domain, new(path, host, selector, change, pem), default));
        Assert.Equal(field, refused.Field);
    }

    [Fact]
    public async Task Mail_by_smtp_is_signed_and_a_foreign_verifier_finds_it_good_as_it_arrived()
    {
        await using var relay = await RealSmtpServer.StartAsync();
        await using var fixture = await StartAsync(DatabaseKind.Sqlite);
        var put = await fixture.Get<SendingDomains>().PutAsync(1, "shop.test", new(DkimKey: DkimKeyChange.Generate), default);
        await using var dns = await RealDnsServer.StartAsync(RealDnsServer.Txt(put.NextDkim!.Record.Name, put.NextDkim.Record.Value));
        var options = fixture.Options with
        {
            Provider = "smtp",
            Smtp = new() { Host = "127.0.0.1", Port = relay.Port, Tls = MailFlow.Delivery.Providers.Smtp.SmtpTls.None },
            Sender = new("Shöp", "hello@shop.test", null, "1 High Street"),
        };
        fixture.Start(options: options, services: services => With(services, dns));
        await fixture.Get<SendingDomains>().CheckAsync(1, "shop.test", default);
        await fixture.TemplateAsync("welcome", "Grüße {{contact.first_name}}", "<p>Hello {{contact.email}}</p>\n<p>.</p>\n<p>ünd so weiter  </p>");

        await fixture.QueueAsync(await fixture.ContactAsync("ann"), message => message with { TemplateVersion = 2 });
        await fixture.SendAllAsync();

        var mail = Assert.Single(await relay.MailsAsync(1));
        Assert.True(await ForeignVerifier.AcceptsAsync(dns, mail.Raw));
    }

    private static async Task<DeliveryFixture> StartAsync(DatabaseKind kind, params DnsRecord[] records)
    {
        var fixture = await DeliveryFixture.CreateAsync(kind);
        fixture.Start(services: services => services.AddSingleton<ISecretBox, PlainSecretBox>().AddSingleton<IDnsResolver>(new Fixed(records)));
        return fixture;
    }

    private static void With(IServiceCollection services, RealDnsServer dns) => services.AddSingleton<ISecretBox, PlainSecretBox>().AddSingleton<IDnsResolver>(DnsResolverTests.For(dns));

    private sealed class Fixed(DnsRecord[] records) : IDnsResolver
    {
        public Task<DnsAnswer> QueryAsync(string name, DnsType type, CancellationToken ct)
        {
            var found = records.Where(record => record.Name == name && record.Type == type).ToList();
            return Task.FromResult(new DnsAnswer(found.Count > 0 ? DnsOutcome.Found : DnsOutcome.NoSuchName, found, name));
        }
    }
}
