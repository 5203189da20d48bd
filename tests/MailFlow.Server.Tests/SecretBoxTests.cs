using MailFlow.Data;

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
}
