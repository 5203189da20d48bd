using FsCheck;
using FsCheck.Fluent;
using MailFlow.Engine.Activities;
using NodaTime;
using NodaTime.Text;

namespace MailFlow.Engine.Tests;

public class LocalClockTests
{
    private static readonly HashSet<IsoDayOfWeek> AnyDay = [];

    [Theory]
    // Paris, last Sunday of March: 02:00 becomes 03:00.
    [InlineData("Europe/Paris", "2026-03-28T12:00:00Z", "02:30", "2026-03-29T01:00:00Z")]
    [InlineData("Europe/Paris", "2026-03-28T12:00:00Z", "09:30", "2026-03-29T07:30:00Z")]
    // Paris, last Sunday of October: 03:00 becomes 02:00, so 02:30 comes twice.
    [InlineData("Europe/Paris", "2026-10-24T12:00:00Z", "02:30", "2026-10-25T00:30:00Z")]
    [InlineData("Europe/Paris", "2026-10-25T00:45:00Z", "02:30", "2026-10-26T01:30:00Z")]
    // New York, second Sunday of March and first of November.
    [InlineData("America/New_York", "2026-03-08T05:00:00Z", "02:15", "2026-03-08T07:00:00Z")]
    [InlineData("America/New_York", "2026-11-01T04:00:00Z", "01:30", "2026-11-01T05:30:00Z")]
    // Lord Howe moves by half an hour.
    [InlineData("Australia/Lord_Howe", "2026-10-03T12:00:00Z", "02:15", "2026-10-03T15:30:00Z")]
    // Nuuk springs forward over midnight: 23:30 on that Saturday is the first instant of Sunday.
    [InlineData("America/Nuuk", "2026-03-28T12:00:00Z", "23:30", "2026-03-29T01:00:00Z")]
    // Samoa had no 30 December 2011: the day after the 29th is the 31st.
    [InlineData("Pacific/Apia", "2011-12-30T05:00:00Z", "09:30", "2011-12-30T19:30:00Z")]
    // A zone without changes, with 45 minutes.
    [InlineData("Asia/Kathmandu", "2026-06-01T00:00:00Z", "09:30", "2026-06-01T03:45:00Z")]
    // Now is the time: it does not wait a day.
    [InlineData("UTC", "2026-06-01T09:30:00Z", "09:30", "2026-06-01T09:30:00Z")]
    [InlineData("UTC", "2026-06-01T09:30:00.001Z", "09:30", "2026-06-02T09:30:00Z")]
    public void The_next_time_of_day_follows_the_clocks_of_the_zone(string zone, string now, string time, string expected) =>
        Assert.Equal(At(expected), LocalClock.Next(At(now), Time(time), AnyDay, LocalClock.Zone(zone)!));

    [Fact]
    public void A_day_that_the_zone_skips_is_not_taken_for_the_day_after() =>
        // 30 December 2011 would have been a Friday in Samoa; the next Friday is 6 January.
        Assert.Equal(At("2012-01-05T19:30:00Z"), LocalClock.Next(At("2011-12-29T12:00:00Z"), Time("09:30"), new HashSet<IsoDayOfWeek> { IsoDayOfWeek.Friday }, LocalClock.Zone("Pacific/Apia")!));

    /// <summary>Seen red: with a search that starts from the UTC date.</summary>
    [Fact]
    public void The_next_time_is_never_before_now_nor_a_later_one_than_the_first_and_shows_the_asked_time_on_an_asked_day()
    {
        var zones = new[] { "UTC", "Europe/Paris", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "America/Nuuk", "Africa/Casablanca", "Asia/Kolkata", "Pacific/Chatham" };
        var cases =
            from zone in Gen.Elements(zones)
            from second in Gen.Choose(0, int.MaxValue)
            from minute in Gen.Choose(0, 1439)
            from mask in Gen.Choose(0, 127)
            select (Zone: LocalClock.Zone(zone)!, Now: Instant.FromUnixTimeSeconds(second), Time: LocalTime.FromMinutesSinceMidnight(minute), Mask: mask);

        Prop.ForAll(cases.ToArbitrary(), input =>
        {
            var days = Enumerable.Range(1, 7).Where(day => (input.Mask >> (day - 1) & 1) == 1).Select(day => (IsoDayOfWeek)day).ToHashSet();
            var next = LocalClock.Next(input.Now, input.Time, days, input.Zone);
            Assert.True(next >= input.Now);
            Assert.Equal(First(input.Now, input.Time, days, input.Zone), next);
            var local = next.InZone(input.Zone);
            if (local.TimeOfDay == input.Time) Assert.True(days.Count == 0 || days.Contains(local.DayOfWeek));
            else Assert.Equal(next, input.Zone.GetZoneInterval(next).Start); // only the end of a gap shows another time
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3_000));
    }

    [Theory]
    [InlineData("2026-03-30", "PT0S", "Europe/Paris", "2026-03-29T22:00:00Z")]
    // Three days before, on the calendar: clocks changed in between, and it is midnight all the same.
    [InlineData("2026-03-30", "-P3D", "Europe/Paris", "2026-03-26T23:00:00Z")]
    [InlineData("2026-03-30", "PT9H", "Europe/Paris", "2026-03-30T07:00:00Z")]
    // Midnight does not exist in Cairo on that day.
    [InlineData("2026-04-24", "PT0S", "Africa/Cairo", "2026-04-23T22:00:00Z")]
    [InlineData("2026-03-30T00:00:00+02:00", "-P3D", "Europe/Paris", "2026-03-26T22:00:00Z")]
    [InlineData("9999-12-31", "P10D", "Pacific/Kiritimati", "9999-12-30T09:59:59.999Z")]
    public void A_date_alone_is_shifted_on_the_calendar_and_an_instant_by_the_time_that_passes(string value, string offset, string zone, string expected) =>
        Assert.Equal(At(expected), LocalClock.Read(value, offset.StartsWith('-') ? -Span(offset[1..]) : Span(offset), LocalClock.Zone(zone)!));

    [Fact]
    public void Milliseconds_and_timestamps_are_instants_and_other_values_are_none()
    {
        Assert.Equal(At("2026-01-05T09:00:00Z"), LocalClock.Read(1767603600000L, TimeSpan.Zero, DateTimeZone.Utc));
        Assert.Equal(At("2026-01-05T09:00:00Z"), LocalClock.Read(DateTimeOffset.FromUnixTimeSeconds(1767603600), TimeSpan.Zero, DateTimeZone.Utc));
        Assert.All(new object?[] { null, "soon", "", true, 1.5, long.MaxValue, "2026-02-30" }, value => Assert.Null(LocalClock.Read(value, TimeSpan.Zero, DateTimeZone.Utc)));
    }

    /// <summary>The same by brute force: every instant that shows the time, or ends the gap in which the time falls, day by day.</summary>
    private static Instant First(Instant now, LocalTime time, HashSet<IsoDayOfWeek> days, DateTimeZone zone) =>
        Enumerable.Range(-2, 20)
            .Select(day => now.InUtc().Date.PlusDays(day))
            .Where(date => days.Count == 0 || days.Contains(date.DayOfWeek))
            .Select(date => zone.MapLocal(date + time))
            .Select(found => found.Count > 0
                ? found.First().ToInstant()
                : found.LateInterval.IsoLocalStart.Date - found.EarlyInterval.IsoLocalEnd.Date is { Days: > 0 } && found.LateInterval.IsoLocalStart.TimeOfDay == found.EarlyInterval.IsoLocalEnd.TimeOfDay
                    ? Instant.MinValue // a whole day skipped
                    : found.LateInterval.Start)
            .Where(at => at >= now)
            .Min();

    private static Instant At(string text) => InstantPattern.ExtendedIso.Parse(text).Value;

    private static LocalTime Time(string text) => LocalTimePattern.CreateWithInvariantCulture("HH:mm").Parse(text).Value;

    private static TimeSpan Span(string text) => Engine.Expressions.DurationText.Parse(text);
}
