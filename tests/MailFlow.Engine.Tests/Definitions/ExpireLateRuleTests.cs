using MailFlow.Engine.Definitions;
using MailFlow.Engine.Tests.Execution;

namespace MailFlow.Engine.Tests.Definitions;

public class ExpireLateRuleTests
{
    [Theory]
    [InlineData("""{"expire_late":"P2D"}""", 48)]
    [InlineData("""{"expire_late":"36h"}""", 36)]
    [InlineData("""{"expire_late":""}""", null)]
    [InlineData("{}", null)]
    public void A_journey_says_how_late_is_too_late(string rules, int? hours)
    {
        var result = Check(rules);

        Assert.Empty(result.Findings);
        Assert.Equal(hours is { } given ? TimeSpan.FromHours(given) : null, result.Graph!.Rules.ExpireLate);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("P0D")]
    [InlineData("-P1D")]
    public void What_is_no_length_of_time_is_an_error(string text)
    {
        var finding = Assert.Single(Check($$"""{"expire_late":"{{text}}"}""").Findings);

        Assert.Equal(("bad_expire_late", Severity.Error), (finding.Code, finding.Severity));
        Assert.Contains(text, finding.Message);
    }

    private static LintResult Check(string rules) => new Linter(new GraphBuilder(Definition.Registry)).Check(WorkflowDefinition.Parse(Flows.With(rules, "on:s:go say:end", "s --> end")));
}
