namespace MailFlow.Data.Tests;

public sealed class JsonDataTests
{
    [Fact]
    public void A_whole_number_is_a_long_and_any_other_number_a_double()
    {
        Assert.Equal(42L, Assert.IsType<long>(JsonData.Parse("42")));
        Assert.Equal(4.5, Assert.IsType<double>(JsonData.Parse("4.5")));
        Assert.Equal("""{"a":1,"b":[2.5]}""", JsonData.Write(JsonData.Parse("""{"a":1,"b":[2.5]}""")));
    }
}
