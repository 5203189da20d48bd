using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Tests.Expressions;

public class DurationTextTests
{
    [Theory]
    [InlineData("P3D", 259_200)]
    [InlineData("PT1H30M", 5_400)]
    [InlineData("P1W", 604_800)]
    [InlineData("P1W2DT3H4M5S", 788_645)]
    [InlineData("PT1S", 1)]
    [InlineData("PT0S", 0)]
    [InlineData("P400D", 34_560_000)]
    [InlineData("PT36H", 129_600)]
    [InlineData("1.02:00:00", 93_600)]
    [InlineData("00:00:01", 1)]
    [InlineData("400.00:00:00", 34_560_000)]
    [InlineData("00:30:00.0000000", 1_800)]
    [InlineData("72h", 259_200)]
    [InlineData("30d", 2_592_000)]
    [InlineData("1h30m", 5_400)]
    [InlineData("45s", 45)]
    [InlineData("2w", 1_209_600)]
    [InlineData("36525d", 3_155_760_000)]
    public void Duration_is_read_and_written_back_the_same(string text, long seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), DurationText.Parse(text));
        Assert.Equal(TimeSpan.FromSeconds(seconds), DurationText.Parse(DurationText.Format(TimeSpan.FromSeconds(seconds))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("P")]
    [InlineData("PT")]
    [InlineData("P1DT")]
    [InlineData("P1Y")]
    [InlineData("P1M")]
    [InlineData("-P1D")]
    [InlineData("P-1D")]
    [InlineData("PT0.5S")]
    [InlineData("PT1M1H")]
    [InlineData("24:00:00")]
    [InlineData("00:60:00")]
    [InlineData("-00:10:00")]
    [InlineData("00:00:00.5")]
    [InlineData("10:30")]
    [InlineData("1.5h")]
    [InlineData("30m1h")]
    [InlineData("1h1h")]
    [InlineData("100ms")]
    [InlineData("36526d")]
    [InlineData("9999999999999d")]
    [InlineData("999999999999w")]
    [InlineData("1 h")]
    [InlineData(" 1h")]
    [InlineData("\u0661h")]
    public void What_is_not_a_duration_is_refused(string text)
    {
        Assert.False(DurationText.TryParse(text, out _));
        Assert.Contains("P3D", Assert.Throws<FormatException>(() => DurationText.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(93_600, "P1DT2H")]
    [InlineData(0, "PT0S")]
    [InlineData(61, "PT1M1S")]
    [InlineData(86_400, "P1D")]
    public void Duration_is_written_as_iso_8601(long seconds, string text) => Assert.Equal(text, DurationText.Format(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Negative_duration_cannot_be_written() => Assert.Throws<ArgumentOutOfRangeException>(() => DurationText.Format(TimeSpan.FromSeconds(-1)));
}
