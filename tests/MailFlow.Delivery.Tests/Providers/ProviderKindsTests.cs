using MailFlow.Data;
using MailFlow.Testing;
using Microsoft.Extensions.Configuration;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class ProviderKindsTests
{
    private static readonly string[] Secrets = ["api_key", "secret_access_key", "session_token", "webhook_signing_key", "server_token", "webhook_secret", "password", "bounce_secret"];

    [Fact]
    public async Task The_module_knows_six_kinds_and_their_forms_can_be_drawn()
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        var kinds = fixture.Get<IEnumerable<IProviderType>>().ToList();
        Assert.Equal(["mailgun", "postmark", "sandbox", "sendgrid", "ses", "smtp"], kinds.Select(kind => kind.Name).Order());
        foreach (var setting in kinds.SelectMany(kind => kind.Settings))
        {
            Assert.Matches("^[a-z0-9]+(_[a-z0-9]+)*$", setting.Name);
            Assert.False(string.IsNullOrWhiteSpace(setting.Label) || string.IsNullOrWhiteSpace(setting.Hint));
            Assert.Equal(Secrets.Contains(setting.Name), setting.Secret);
            Assert.True(setting.Choices is null || setting.Choices.Contains(setting.Default!));
        }
        Assert.All(kinds, kind => Assert.Equal(kind.Settings.Count, kind.Settings.Select(setting => setting.Name).Distinct().Count()));
    }

    // Seen red: it was taken, and each mail waited for three days.
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.1.2.3")]
    [InlineData("::ffff:192.168.0.1")]
    public async Task A_relay_at_a_private_address_is_refused_by_the_settings_name_and_says_who_may_allow_it(string host)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        var draft = new ConnectionDraft("smtp", Settings: new Dictionary<string, string?> { ["host"] = host });
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Get<Connections>().PutAsync(1, "relay", draft, default));
        Assert.Equal("settings.host", error.Field);
        Assert.Contains("MailFlow__Delivery__AllowPrivateRelays", error.Message);

        fixture.Start(options: fixture.Options with { AllowPrivateRelays = true });
        await fixture.Get<Connections>().PutAsync(1, "relay", draft, default);
    }

    [Fact]
    public void Another_address_of_an_API_is_the_operators_to_say_and_must_be_https()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ProviderEndpoints:sendgrid"] = "https://gateway.example/sg",
            ["AllowPrivateRelays"] = "true",
        }).Build();
        var options = configuration.Get<DeliveryOptions>()!;
        Assert.True(options.AllowPrivateRelays);
        Assert.Equal("https://gateway.example/sg/", options.EndpointOf("sendgrid", "https://api.sendgrid.com").AbsoluteUri);
        Assert.Equal("https://api.postmarkapp.com/", options.EndpointOf("postmark", "https://api.postmarkapp.com").AbsoluteUri);
        options.Check();
        foreach (var address in new[] { "http://gateway.example", "ftp://127.0.0.1/", "gateway" })
        {
            var error = Assert.Throws<InvalidInputException>((options with { ProviderEndpoints = new Dictionary<string, string> { ["ses"] = address } }).Check);
            Assert.Equal("ProviderEndpoints.ses", error.Field);
        }
    }
}
