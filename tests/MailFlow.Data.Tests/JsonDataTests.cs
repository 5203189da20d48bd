namespace MailFlow.Data.Tests;

/// <summary>JSON as plain values and back.</summary>
public sealed class JsonDataTests
{
    [Fact]
    public void A_whole_number_is_a_long_and_any_other_a_double()
    {
        var map = JsonData.ParseMap("""{"whole":1,"half":0.5,"huge":1e300,"big":9223372036854775807}""");

        Assert.Equal(1L, map["whole"]);
        Assert.Equal(0.5, map["half"]);
        Assert.Equal(1e300, map["huge"]);
        Assert.Equal(long.MaxValue, map["big"]);
    }

    [Theory]
    [InlineData("""{"a":[1,2.5,"x",null,true,{"b":{}}],"ü":"<&'>"}""")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    public void What_is_parsed_is_written_again(string json) => Assert.Equal(json, JsonData.Write(JsonData.Parse(json)));

    [Fact]
    public void What_can_be_written_can_be_read_back_however_deep()
    {
        object? value = 1L;
        for (var level = 0; level < JsonData.MaxDepth; level++) value = new List<object?> { value };

        var json = JsonData.Write(value);

        Assert.Equal(json, JsonData.Write(JsonData.Parse(json)));
        Assert.Throws<InvalidOperationException>(() => JsonData.Write(new List<object?> { value }));
    }
}
