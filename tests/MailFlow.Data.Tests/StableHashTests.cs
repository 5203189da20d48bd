namespace MailFlow.Data.Tests;

/// <summary>These values are part of the data format: rows on users' disks are placed by them. Never change an expectation here.</summary>
public sealed class StableHashTests
{
    [Theory]
    [InlineData(1, "u-1", 8)]
    [InlineData(1, "u-2", 34)]
    [InlineData(2, "u-1", 6)]
    [InlineData(1, "ada@example.org", 21)]
    [InlineData(1, "Grüße", 4)]
    public void A_contact_stays_in_its_shard_for_ever(int account, string userId, int shard) =>
        Assert.Equal(shard, StableHash.Shard(account, userId));

    [Fact]
    public void Contacts_spread_evenly_over_the_shards()
    {
        var counts = new int[StableHash.Shards];
        for (var i = 0; i < 64_000; i++) counts[StableHash.Shard(1, $"user-{i}")]++;
        Assert.All(counts, count => Assert.InRange(count, 800, 1200));
    }

    [Fact]
    public void Parts_of_a_key_cannot_run_together() => Assert.NotEqual(StableHash.Key("ab", "c"), StableHash.Key("a", "bc"));

    [Fact]
    public void A_timed_key_is_a_version_7_uuid_in_order_of_time()
    {
        var early = StableHash.TimedKey(1_700_000_000_000, StableHash.Key("z"));
        var late = StableHash.TimedKey(1_700_000_000_001, StableHash.Key("a"));

        Assert.Equal(7, early.Version);
        Assert.Equal(early, StableHash.TimedKey(1_700_000_000_000, StableHash.Key("z")));
        Assert.True(string.CompareOrdinal(early.ToString(), late.ToString()) < 0);
    }
}
