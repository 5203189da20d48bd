using System.Globalization;
using System.Xml.Linq;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Testing;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Npgsql;

namespace MailFlow.Server.Tests;

public class SecretBoxTests
{
    [Fact]
    public async Task A_sealed_secret_opens_and_one_that_was_changed_is_lost()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var box = server.Services.GetRequiredService<ISecretBox>();
        var stored = box.Seal("SG.key");
        Assert.DoesNotContain("SG.key", stored, StringComparison.Ordinal);
        Assert.Equal("SG.key", box.Open(stored));
        Assert.Throws<SecretLostException>(() => box.Open(stored[..^4] + "AAAA"));
        Assert.Throws<SecretLostException>(() => box.Open("SG.key"));
    }

    // Seen red: who opened the first secret within a write could not make the key that was missing. A run with stepped clocks found it: the connection stopped for good.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_node_whose_clock_is_behind_that_of_the_node_that_made_the_key_opens_secrets_also_within_a_write(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var stored = server.Services.GetRequiredService<ISecretBox>().Seal("a key of a provider's");
        // The framework has a clock of its own, so the key is made one of tomorrow.
        await server.Database.WriteAsync(async session =>
        {
            var key = await session.FirstAsync("SELECT xml FROM data_protection_key", row => XElement.Parse(row.Text(0)), default);
            key!.Element("activationDate")!.Value = TimeProvider.System.GetUtcNow().AddDays(1).ToString("O", CultureInfo.InvariantCulture);
            await session.ExecuteAsync("UPDATE data_protection_key SET xml = @xml", default, ("xml", key.ToString(SaveOptions.DisableFormatting)));
        }, default);
        await using var another = server.WithWebHostBuilder(builder => builder
            .UseSetting("urls", "http://127.0.0.1:1").UseSetting("MailFlow:DataDirectory", Path.Combine(server.DataDirectory, "another")));
        var box = another.Services.GetRequiredService<ISecretBox>();

        Assert.Equal("a key of a provider's", await another.Services.GetRequiredService<Database>().WriteAsync(_ => Task.FromResult(box.Open(stored)), default));
    }

    // Seen red: any trouble with the keys was a lost secret, which stops a connection until somebody resumes it.
    [Fact]
    public void A_secret_is_not_lost_because_the_keys_cannot_be_read_for_the_moment()
    {
        var stored = new SecretBox(new EphemeralDataProtectionProvider()).Seal("a key of a provider's");
        using var services = new ServiceCollection().AddDataProtection().Services.Configure<KeyManagementOptions>(keys => keys.XmlRepository = new Away()).BuildServiceProvider();

        Assert.Throws<NpgsqlException>(() => new SecretBox(services.GetRequiredService<IDataProtectionProvider>()).Open(stored));
    }

    private sealed class Away : IXmlRepository
    {
        public IReadOnlyCollection<XElement> GetAllElements() => throw new NpgsqlException("connection refused");

        public void StoreElement(XElement element, string friendlyName) => throw new NpgsqlException("connection refused");
    }
}
