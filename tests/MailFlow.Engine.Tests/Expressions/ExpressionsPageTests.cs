using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Tests.Expressions;

/// <summary>Runs docs/expressions.md.</summary>
public partial class ExpressionsPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Root(), "docs", "expressions.md"));

    private static readonly RuleScope Scope = new RuleScope()
        .Add("contact", new Dictionary<string, object?>
        {
            ["email"] = "Ada@Example.org",
            ["first_name"] = "Ada",
            ["time_zone"] = "Europe/Berlin",
            ["created_at"] = RuleScope.Noon.AddDays(-3),
            ["tags"] = JsonData.Parse("""["vip"]"""),
            ["attributes"] = JsonData.Parse("""{"country":"US","age":36,"plan":"pro","trial_ends_at":"2026-03-12","utm-source":"newsletter"}"""),
            ["country"] = "US",
            ["plan"] = "pro",
            ["trial_ends_at"] = "2026-03-12",
        })
        .Add("event", """{"total":1234.5,"at":"2026-03-10T12:00:00Z","items":[{"sku":"shoe-1"},{"sku":"hat-2"}]}""")
        .Happened("purchase", RuleScope.Noon.AddDays(-100)).Happened("purchase", RuleScope.Noon).Happened("email_opened", RuleScope.Noon.AddDays(-31));

    [Fact]
    public void Every_rule_on_the_page_does_what_the_page_says()
    {
        var blocks = CelBlock().Matches(Page).Select(block => block.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)).ToList();
        Assert.Equal([1, 10, 3], blocks.Select(block => block.Length));
        foreach (var rule in blocks[0].Concat(blocks[1])) Assert.True(CelExpression.Parse(rule).Matches(Scope), rule);
        foreach (var rule in blocks[2]) Assert.False(CelExpression.Parse(rule).Matches(Scope), rule);
    }

    [Fact]
    public void Every_duration_and_instant_on_the_page_is_read()
    {
        var durations = Quoted().Matches(Row("| `duration(x)`")).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(8, durations.Count);
        Assert.All(durations, text => Assert.True(DurationText.TryParse(text, out _), text));
        Assert.All(Quoted().Matches(Row("| `timestamp(x)`")), match => CelExpression.Parse($"timestamp({match.Value})"));
    }

    [Fact]
    public void Every_inline_rule_on_the_page_parses()
    {
        var rules = new[] { "1 == 1.0", "7 / 2", "\"1\" == 1", "\"1\" != 1", "!(contact.plan == \"pro\")", "contact.plan != \"pro\"", "!has(contact.plan)", "contact.plan == null", "contact[\"utm-source\"]", "has(contact.plan)", "contact.plan != null" };
        Assert.All(rules, rule =>
        {
            Assert.Contains($"`{rule}`", Page, StringComparison.Ordinal);
            CelExpression.Parse(rule);
        });
        Assert.Equal(3.5, CelExpression.Parse("7 / 2").Evaluate(Scope));
        Assert.True(CelExpression.Parse("1 == 1.0 && !(\"1\" == 1) && \"1\" != 1").Matches(Scope));
    }

    [Fact]
    public void Every_template_on_the_page_gives_what_the_page_says()
    {
        var rows = TemplateRow().Matches(Page);
        Assert.Equal(8, rows.Count);
        var model = new Dictionary<string, object?> { ["contact"] = Scope.Root("contact"), ["event"] = Scope.Root("event") };
        Assert.All(rows, row => Assert.Equal(row.Groups[2].Value.Trim(), HandlebarsText.Compile(row.Groups[1].Value, html: false).Render(model).Trim()));
    }

    private static string Row(string start) => Page.Split('\n').Single(line => line.StartsWith(start, StringComparison.Ordinal));

    private static string Root([CallerFilePath] string here = "")
    {
        var folder = Path.GetDirectoryName(here);
        while (folder is not null && !File.Exists(Path.Combine(folder, "MailFlow.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The page is not there.");
    }

    [GeneratedRegex("```cel\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CelBlock();

    [GeneratedRegex("\"([^\"]+)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^\| `(\{\{[^`]+)` \|([^|]*)\|$", RegexOptions.Multiline)]
    private static partial Regex TemplateRow();
}
