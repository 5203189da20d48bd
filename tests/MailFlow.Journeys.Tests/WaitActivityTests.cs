using MailFlow.Engine.Activities;
using MailFlow.Journeys.Activities;
using MailFlow.Testing;

namespace MailFlow.Journeys.Tests;

public class WaitActivityTests
{
    [Fact]
    public void A_wait_ends_its_duration_after_the_contact_arrived()
    {
        var arrived = ActivityRun.Of(new Wait(), new(TimeSpan.FromDays(400)), new TestStep("2026-01-05T09:00:00Z"));
        Assert.Equal(At("2027-02-09T09:00:00Z"), arrived.Until);
        Assert.False(arrived.FollowsContact);

        var due = ActivityRun.Of(new Wait(), new(TimeSpan.FromDays(400)), new TestStep("2027-02-09T09:00:00Z", wake: WakeReason.Due));
        Assert.Equal(("Complete", "Done", "waited 400 days"), (due.Kind, due.Outcome, due.Text));
    }

    [Fact]
    public void An_instant_to_come_is_waited_for_and_one_in_the_past_is_not()
    {
        Assert.Equal(At("2026-02-01T00:00:00Z"), Until(new(At: At("2026-02-01T00:00:00Z"))).Until);
        Assert.Equal("Done", Until(new(At: At("2025-02-01T00:00:00Z"))).Outcome);
        Assert.Equal("Done", Until(new(At: At("2026-02-01T00:00:00Z")), new TestStep("2026-02-01T00:00:00Z", wake: WakeReason.Due)).Outcome);
    }

    [Fact]
    public void A_date_the_contact_carries_counts_in_the_contacts_own_zone_and_is_followed()
    {
        var step = new TestStep(contact: Fields(("trial_ends_at", "2026-03-10"), ("time_zone", "America/New_York")));
        var decision = Until(new(Attribute: "trial_ends_at", Offset: "-P3D"), step);
        Assert.Equal(At("2026-03-07T05:00:00Z"), decision.Until); // midnight in New York, before its clocks change on the 8th
        Assert.True(decision.FollowsContact);
        Assert.Equal("waits until 7 March 2026, 00:00 America/New_York", decision.Text);
    }

    [Fact]
    public void A_date_that_moves_is_followed_and_one_that_has_passed_goes_on_at_once()
    {
        var moved = new TestStep(contact: Fields(("due", "2026-02-01T12:00:00Z")), wake: WakeReason.ContactChanged, waitingUntil: At("2026-01-20T12:00:00Z"));
        Assert.Equal(At("2026-02-01T12:00:00Z"), Until(new(Attribute: "due"), moved).Until);

        var passed = new TestStep(contact: Fields(("due", "2026-01-01T12:00:00Z")), wake: WakeReason.ContactChanged, waitingUntil: At("2026-01-20T12:00:00Z"));
        Assert.Equal("Done", Until(new(Attribute: "due"), passed).Outcome);
    }

    [Theory]
    [InlineData(null, "waits for due, which the contact lacks")]
    [InlineData("soon", "waits for a date in due: 'soon' is none")]
    public void Without_a_date_it_waits_until_the_contact_gets_one(string? value, string text)
    {
        var decision = Until(new(Attribute: "due"), new TestStep(contact: Fields(("due", value))));
        Assert.Equal(("Wait", (DateTimeOffset?)null, true, text), (decision.Kind, decision.Until, decision.FollowsContact, decision.Text));
    }

    [Theory]
    [InlineData("mon", null, "2026-01-05T09:30:00Z")]
    [InlineData("Tuesday", null, "2026-01-06T09:30:00Z")]
    [InlineData("sun,SAT", null, "2026-01-10T09:30:00Z")]
    [InlineData(null, "Asia/Tokyo", "2026-01-06T00:30:00Z")]
    [InlineData("mon", "Asia/Tokyo", "2026-01-12T00:30:00Z")]
    public void A_time_of_day_comes_on_the_next_of_its_days(string? days, string? zone, string expected) =>
        Assert.Equal(At(expected), Until(new(TimeOfDay: "09:30", Weekdays: days?.Split(','), TimeZone: zone)).Until);

    [Fact]
    public void A_time_of_day_is_the_contacts_own_unless_a_zone_is_given()
    {
        var step = new TestStep(contact: Fields(("time_zone", "Europe/Paris")));
        var own = Until(new(TimeOfDay: "11:00"), step);
        Assert.Equal((At("2026-01-05T10:00:00Z"), true), (own.Until, own.FollowsContact));
        var given = Until(new(TimeOfDay: "11:00", TimeZone: "UTC"), step);
        Assert.Equal((At("2026-01-05T11:00:00Z"), false), (given.Until, given.FollowsContact));
        Assert.Equal(At("2026-01-05T11:00:00Z"), Until(new(TimeOfDay: "11:00"), new TestStep(contact: Fields(("time_zone", "Mars/Olympus")))).Until);
    }

    [Fact]
    public void A_time_of_day_moves_with_a_contact_who_moves()
    {
        var step = new TestStep("2026-01-05T09:00:00Z", contact: Fields(("time_zone", "America/New_York")), wake: WakeReason.ContactChanged, waitingUntil: At("2026-01-05T10:00:00Z"));
        Assert.Equal(At("2026-01-05T16:00:00Z"), Until(new(TimeOfDay: "11:00"), step).Until);
    }

    /// <summary>A contact who changes after an outage, before the overdue timer has been handled, must not wait another day. Seen red without the check.</summary>
    [Fact]
    public void A_time_of_day_that_came_while_the_server_was_down_has_come()
    {
        var step = new TestStep("2026-01-05T15:00:00Z", wake: WakeReason.ContactChanged, waitingUntil: At("2026-01-05T11:00:00Z"));
        Assert.Equal("Done", Until(new(TimeOfDay: "11:00"), step).Outcome);
        Assert.Equal("Done", Until(new(TimeOfDay: "11:00"), new TestStep("2026-01-05T15:00:00Z", wake: WakeReason.Due)).Outcome);
    }

    [Fact]
    public void Inputs_that_say_nothing_or_contradict_each_other_are_named()
    {
        Assert.Equal("needs exactly one of at, attribute and timeOfDay", Fault(new()));
        Assert.Equal("needs exactly one of at, attribute and timeOfDay", Fault(new(Attribute: "due", TimeOfDay: "09:30")));
        Assert.Equal("needs exactly one of at, attribute and timeOfDay", Fault(new(Attribute: "", TimeOfDay: " ")));
        Assert.StartsWith("timeOfDay: '25:00'", Fault(new(TimeOfDay: "25:00")));
        Assert.StartsWith("weekdays: 'funday'", Fault(new(TimeOfDay: "09:30", Weekdays: ["mon", "funday"])));
        Assert.StartsWith("timeZone: 'Mars/Olympus'", Fault(new(TimeOfDay: "09:30", TimeZone: "Mars/Olympus")));
        Assert.StartsWith("offset: '--P1D'", Fault(new(Attribute: "due", Offset: "--P1D")));
        Assert.StartsWith("offset: '3 days'", Fault(new(Attribute: "due", Offset: "3 days")));
    }

    [Fact]
    public void An_event_is_waited_for_until_it_comes_or_time_runs_out()
    {
        var input = new WaitForEvent.Input("email_opened", TestStep.Rule("event.template == 'welcome'"), TimeSpan.FromDays(3));
        var arrived = ActivityRun.Of(new WaitForEvent(), input);
        Assert.Equal(("email_opened", At("2026-01-08T09:00:00Z")), (arrived.EventType, arrived.Until));

        Assert.Equal("Received", ActivityRun.Of(new WaitForEvent(), input, Woken(("template", "welcome"))).Outcome);
        Assert.Equal("Stay", ActivityRun.Of(new WaitForEvent(), input, Woken(("template", "tips"))).Kind);
        var due = ActivityRun.Of(new WaitForEvent(), input, new TestStep("2026-01-08T09:00:00Z", wake: WakeReason.Due));
        Assert.Equal(("TimedOut", "no email_opened within 3 days"), (due.Outcome, due.Text));
        Assert.Null(ActivityRun.Of(new WaitForEvent(), new("email_opened")).Until);
    }

    [Fact]
    public void A_trigger_further_down_waits_for_its_event()
    {
        var input = new EventReceived.Input("order_placed", TestStep.Rule("event.total > 50"));
        var arrived = ActivityRun.Of(new EventReceived(), input);
        Assert.Equal(("Wait", "order_placed", (DateTimeOffset?)null), (arrived.Kind, arrived.EventType, arrived.Until));
        Assert.Equal("Stay", ActivityRun.Of(new EventReceived(), input, Woken(("total", 20L))).Kind);
        Assert.Equal("Done", ActivityRun.Of(new EventReceived(), input, Woken(("total", 80.5))).Outcome);
    }

    private static Decision Until(WaitUntil.Input input, TestStep? step = null) => ActivityRun.Of(new WaitUntil(), input, step);

    private static string? Fault(WaitUntil.Input input)
    {
        var decision = Until(input);
        Assert.Equal("Fault", decision.Kind);
        return decision.Text;
    }

    private static TestStep Woken(params (string Name, object? Value)[] members) => new(@event: Fields(members), wake: WakeReason.Event);

    private static Dictionary<string, object?> Fields(params (string Name, object? Value)[] members) => members.ToDictionary(pair => pair.Name, pair => pair.Value);

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text);
}
