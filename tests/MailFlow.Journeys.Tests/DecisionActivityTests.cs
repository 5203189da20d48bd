using MailFlow.Journeys.Activities;
using MailFlow.Testing;

namespace MailFlow.Journeys.Tests;

public class DecisionActivityTests
{
    [Fact]
    public void A_condition_goes_the_way_of_its_rule_and_says_which_rule()
    {
        var input = new Condition.Input(TestStep.Rule("contact.country == 'US'"));
        var us = ActivityRun.Of(new Condition(), input, new TestStep(contact: new Dictionary<string, object?> { ["country"] = "US" }));
        Assert.Equal(("True", "contact.country == 'US' holds"), (us.Outcome, us.Text));
        var unknown = ActivityRun.Of(new Condition(), input);
        Assert.Equal(("False", "contact.country == 'US' does not hold"), (unknown.Outcome, unknown.Text));
    }

    [Fact]
    public void A_split_spreads_contacts_by_weight()
    {
        var input = new RandomSplit.Input([new("A", 60), new("B", 30), new("Holdout", 10)]);
        var drawn = Enumerable.Range(0, 10_000).CountBy(n => Draw(input, $"user-{n}")).ToDictionary();
        Assert.InRange(drawn["A"], 5_800, 6_200);
        Assert.InRange(drawn["B"], 2_800, 3_200);
        Assert.InRange(drawn["Holdout"], 850, 1_150);
    }

    [Fact]
    public void A_split_is_sticky_and_independent_of_other_splits()
    {
        var input = new RandomSplit.Input([new("A"), new("B")]);
        Assert.All(Enumerable.Range(0, 100), n => Assert.Equal(Draw(input, $"user-{n}"), Draw(input, $"user-{n}")));
        var alike = Enumerable.Range(0, 10_000).Count(n => Draw(input, $"user-{n}") == Draw(input, $"user-{n}", "another-split"));
        Assert.InRange(alike, 4_800, 5_200);
    }

    /// <summary>Changing the hash would re-draw every contact in every running journey.</summary>
    [Fact]
    public void The_draw_is_part_of_the_data_format() =>
        Assert.Equal("AABAAAABBB", string.Concat(Enumerable.Range(0, 10).Select(n => Draw(new([new("A"), new("B")]), $"user-{n}"))));

    [Fact]
    public void A_split_that_cannot_be_drawn_says_why()
    {
        Assert.Equal("needs at least one branch", Split([]).Text);
        Assert.Equal("branch 'B' needs a weight above zero", Split([new("A"), new("B", 0)]).Text);
        Assert.Equal("branch 'B' needs a weight above zero", Split([new("A"), new("B", double.NaN)]).Text);
        Assert.Equal("has two branches named 'A'", Split([new("A"), new("A")]).Text);
        Assert.Equal("has a branch without a name", Split([new(" ")]).Text);
    }

    [Fact]
    public void A_goal_goes_on_and_an_exit_leaves()
    {
        var goal = ActivityRun.Of(new Goal(), new("first order"));
        Assert.Equal(("Done", "goal reached: first order"), (goal.Outcome, goal.Text));
        var exit = ActivityRun.Of(new Exit(), new("not interested"));
        Assert.Equal(("Exit", "not interested"), (exit.Kind, exit.Text));
    }

    [Fact]
    public void Another_journey_is_started_with_its_input_and_not_waited_for()
    {
        var step = new TestStep();
        var decision = ActivityRun.Of(new StartJourney(), new("win-back", new Dictionary<string, object?> { ["reason"] = "quiet" }), step);
        Assert.Equal("Done", decision.Outcome);
        var (journey, input) = Assert.Single(step.Started);
        Assert.Equal(("win-back", "quiet"), (journey, input["reason"]));
    }

    private static string Draw(RandomSplit.Input input, string userId, string activityId = "split") =>
        ActivityRun.Of(new RandomSplit(), input, new TestStep(userId: userId, activityId: activityId)).Outcome!;

    private static Decision Split(IReadOnlyList<RandomSplit.Branch> branches) => ActivityRun.Of(new RandomSplit(), new(branches));
}
