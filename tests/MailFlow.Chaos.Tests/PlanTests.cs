using MailFlow.Data;

namespace MailFlow.Chaos.Tests;

/// <summary>The plan of a chaos run.</summary>
public sealed class PlanTests
{
    private static readonly TimeSpan FiveMinutes = TimeSpan.FromMinutes(5);

    [Fact]
    public void The_same_seed_gives_the_same_plan_and_another_seed_another()
    {
        var plan = Plan.Draw(7, FiveMinutes, Plan.Kinds, 3);
        Assert.Equal(plan, Plan.Draw(7, FiveMinutes, Plan.Kinds, 3));
        Assert.NotEqual(plan, Plan.Draw(8, FiveMinutes, Plan.Kinds, 3));
    }

    [Fact]
    public void Something_goes_wrong_every_few_seconds_and_nothing_but_what_was_asked_for()
    {
        var plan = Plan.Draw(7, FiveMinutes, ["kill", "freeze-at"], 3);
        Assert.InRange(plan.Count, 60, 150);
        Assert.Equal(["freeze-at", "kill"], plan.Select(fault => fault.Kind).Distinct().Order());
        Assert.All(plan, fault => Assert.InRange(fault.Node, 0, 2));
        Assert.All(plan, fault => Assert.True(fault.At < FiveMinutes));
    }

    [Fact]
    public void Clocks_step_by_up_to_twenty_minutes_to_both_sides()
    {
        var steps = Plan.Draw(7, FiveMinutes, [Plan.ClockStep], 3).Select(fault => fault.Ahead.Duration()).ToList();
        Assert.All(steps, step => Assert.InRange(step, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(20)));
        Assert.Equal([-1, 1], Plan.Draw(7, FiveMinutes, [Plan.ClockStep], 3).Select(fault => Math.Sign(fault.Ahead.Ticks)).Distinct().Order());
    }

    [Fact]
    public void A_fault_that_is_none_is_named() =>
        Assert.Contains("'earthquake' is none of kill, ", Assert.Throws<InvalidInputException>(() => Plan.Draw(1, FiveMinutes, ["kill", "earthquake"], 3)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("--minutes", "long", "--minutes")]
    [InlineData("--esp", "careless", "--esp")]
    [InlineData("--colour", "red", "--colour")]
    [InlineData("--seed", null, "--seed")]
    public void An_argument_that_cannot_be_used_is_named(string name, string? value, string named) =>
        Assert.Equal(named, Assert.Throws<InvalidInputException>(() => ChaosOptions.Parse(value is null ? [name] : [name, value])).Field);
}
