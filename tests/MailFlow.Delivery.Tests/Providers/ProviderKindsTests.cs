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
