using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Tests.Definitions;
using MailFlow.Engine.Tests.Execution;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using TestStep = MailFlow.Testing.TestStep;

namespace MailFlow.Engine.Tests.Docs;

// What docs/write-an-activity.md shows stands between "page" and "end", word for word.

// page: one step at a time
[Activity("Acme.OrderSize", Category = "Decisions", DisplayName = "Order size", Outcomes = ["Small", "Large"])]
public sealed class OrderSize : Activity<OrderSize.Input>
{
    public sealed record Input(
        [Input("The order's total.")] double Total,
        [Input("From this total on, an order is large.")] double Limit = 100);

    protected override StepResult Run(Input input, Step step) =>
        StepResult.Complete(input.Total >= input.Limit ? "Large" : "Small");
}
// end

// page: all steps at once
[Activity("Acme.LoyaltyLevel", Category = "Decisions", DisplayName = "Loyalty level", Outcomes = ["Gold", "Basic"])]
public sealed class LoyaltyLevel : BatchActivity<LoyaltyLevel.Input>
{
    public sealed record Input([Input("Points from which a contact is gold.")] int Gold = 1000);

    protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
    {
        var contacts = new Rows<long>([.. steps.ContactIds.Distinct()]).Long("id", id => id);
        var found = await steps.Session.QueryAsync(
            "SELECT p.contact_id, p.points FROM {rows} JOIN acme_points p ON p.contact_id = r.id",
            contacts, row => KeyValuePair.Create(row.Long(0), row.Long(1)), ct);
        var points = found.ToDictionary();
        foreach (var step in steps)
            step.Complete(points.GetValueOrDefault(step.ContactId) >= step.Input.Gold ? "Gold" : "Basic");
    }
}
// end

// page: the other system
public interface ICrm
{
    Task AddNoteAsync(string userId, string note, Guid idempotencyKey, CancellationToken ct);
}
// end

// page: work after the commit
[Activity("Acme.TellCrm", Category = "Integrations", DisplayName = "Tell the CRM", Outcomes = ["Done", "Failed"])]
public sealed class TellCrm(ICrm crm) : JobActivity<TellCrm.Input>
{
    public sealed record Input([Input("What to note.", Hint = "multiline")] string Note);

    protected override JobRetry Retry => new(Attempts: 5, First: TimeSpan.FromSeconds(30));

    protected override async Task<JobResult> RunAsync(Input input, Job job, CancellationToken ct)
    {
        await crm.AddNoteAsync(job.UserId, input.Note, job.Key, ct);
        return JobResult.Complete("Done", "noted in the CRM");
    }
}
// end

// page: waiting
[Activity("Acme.WaitForPayment", Category = "Waits", Outcomes = ["Paid", "Overdue"], CanWait = true)]
public sealed class WaitForPayment : Activity<WaitForPayment.Input>
{
    public sealed record Input(string OrderId, TimeSpan Within);

    protected override StepResult Run(Input input, Step step) => step.Wake switch
    {
        WakeReason.Arrived => StepResult.WaitForEvent("payment_received", step.Now + input.Within, "waits for the payment"),
        WakeReason.Due => StepResult.Complete("Overdue"),
        WakeReason.Event when input.OrderId.Equals(step.Event.GetValueOrDefault("order_id")) => StepResult.Complete("Paid"),
        _ => StepResult.Stay,
    };
}
// end

// page: a rule as input
[Activity("Acme.WaitUntilTrue", Category = "Waits", CanWait = true)]
public sealed class WaitUntilTrue : Activity<WaitUntilTrue.Input>
{
    public sealed record Input([Input("The contact goes on when this holds.")] Rule Rule);

    protected override StepResult Run(Input input, Step step) => step.Matches(input.Rule)
        ? StepResult.Complete("Done", $"{input.Rule.Text} holds")
        : StepResult.WaitForContact($"waits for {input.Rule.Text}");
}
// end

/// <summary>Compiles and runs docs/write-an-activity.md.</summary>
public sealed partial class WriteAnActivityTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Root(), "docs", "write-an-activity.md"));
    private static readonly string[] OrderFlow = ["asked --> size", "size -Small-> small", "size -Large-> large"];

    // page: the test of one step
    [Theory]
    [InlineData(99, "Small")]
    [InlineData(100, "Large")]
    public void An_order_is_large_from_its_limit_on(double total, string outcome) =>
        Assert.Equal(outcome, ActivityRun.Of(new OrderSize(), new OrderSize.Input(total)).Outcome);
    // end

    // page: the test of a batch
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_contact_with_a_thousand_points_is_gold(DatabaseKind kind)
    {
        await using var test = await TestDatabase.CreateAsync(kind);
        await test.Database.WriteAsync(session => session.ExecuteAsync(
            "CREATE TABLE acme_points (contact_id BIGINT PRIMARY KEY, points BIGINT NOT NULL)", default), default);
        await test.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO acme_points VALUES (7, 1000)", default), default);

        var decisions = await ActivityRun.Of(new LoyaltyLevel(), new LoyaltyLevel.Input(), test, new TestStep(contactId: 7), new TestStep(contactId: 8));

        Assert.Equal(["Gold", "Basic"], decisions.Select(decision => decision.Outcome));
    }
    // end

    // page: the test of a job
    [Fact]
    public async Task The_crm_gets_the_note_under_the_steps_key()
    {
        var (crm, step) = (new FakeCrm(), new TestStep(userId: "ada"));

        var decision = await ActivityRun.Of(new TellCrm(crm), new TellCrm.Input("has ordered"), step);

        Assert.Equal("Done", decision.Outcome);
        Assert.Equal([("ada", "has ordered", step.Key)], crm.Notes);
    }
    // end

    // page: the test of a wait
    [Fact]
    public void Another_orders_payment_is_not_this_ones()
    {
        var input = new WaitForPayment.Input("o-1", TimeSpan.FromDays(14));
        var paid = new Dictionary<string, object?> { ["order_id"] = "o-2" };

        Assert.Equal("payment_received", ActivityRun.Of(new WaitForPayment(), input).EventType);
        Assert.Equal("Stay", ActivityRun.Of(new WaitForPayment(), input, new TestStep(wake: WakeReason.Event, @event: paid)).Kind);
        Assert.Equal("Overdue", ActivityRun.Of(new WaitForPayment(), input, new TestStep(wake: WakeReason.Due)).Outcome);
    }
    // end

    [Fact]
    public void The_payment_of_the_order_ends_the_wait() => Assert.Equal("Paid", ActivityRun.Of(new WaitForPayment(), new WaitForPayment.Input("o-1", TimeSpan.FromDays(14)),
        new TestStep(wake: WakeReason.Event, @event: new Dictionary<string, object?> { ["order_id"] = "o-1" })).Outcome);

    [Fact]
    public void A_rule_is_asked_again_when_the_contact_changes()
    {
        var input = new WaitUntilTrue.Input(TestStep.Rule("contact.plan == 'pro'"));
        Assert.True(ActivityRun.Of(new WaitUntilTrue(), input).FollowsContact);
        Assert.Equal("Done", ActivityRun.Of(new WaitUntilTrue(), input, new TestStep(contact: new Dictionary<string, object?> { ["plan"] = "pro" })).Outcome);
    }

    [Theory]
    [InlineData(99, "small")]
    [InlineData(250, "large")]
    public async Task The_pages_activity_runs_in_a_journey_by_the_pages_json(int total, string line)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, Register);
        var json = JsonBlock().Match(Page).Groups[1].Value;
        await host.PublishAsync(Definition.Json($$"""
            [{"id":"asked","type":"Elsa.Event","eventName":"order_placed"}, {{json}}, {"id":"small","type":"Elsa.WriteLine","text":"small"}, {"id":"large","type":"Elsa.WriteLine","text":"large"}]
            """, OrderFlow));

        await host.EventAsync("order_placed", payload: string.Create(CultureInfo.InvariantCulture, $$"""{"total":{{total}}}"""));
        await host.RunAsync();

        Assert.Equal([line], await host.LinesAsync());
    }

    // Seen red with a word changed on the page.
    [Fact]
    public void Every_piece_of_code_on_the_page_stands_in_this_file()
    {
        var source = Marked().Matches(File.ReadAllText(Here())).Select(match => Dedented(match.Groups[1].Value)).ToHashSet();
        var blocks = CodeBlock().Matches(Page).Select(match => match.Groups[1].Value.Trim()).ToList();
        Assert.Equal(source.Count, blocks.Count);
        Assert.All(blocks, block => Assert.Contains(block, source));
        Assert.Contains(CodeBlock().Match(File.ReadAllText(Path.Combine(Root(), "README.md"))).Groups[1].Value.Trim(), source);
        Assert.All(blocks, block => Assert.InRange(block.Split('\n').Count(line => line.Length > 0), 1, 15));
    }

    private static void Register(IServiceCollection services)
    {
        // page: registering
        services.AddActivity<OrderSize>();
        // end
    }

    private static string Dedented(string code)
    {
        var lines = code.Split('\n');
        var margin = lines.Where(line => line.Trim().Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Trim().Length == 0 ? "" : line[margin..])).Trim();
    }

    private static string Here([CallerFilePath] string here = "") => here;

    private static string Root()
    {
        var folder = Path.GetDirectoryName(Here());
        while (folder is not null && !File.Exists(Path.Combine(folder, "MailFlow.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The page is not there.");
    }

    private sealed class FakeCrm : ICrm
    {
        public List<(string, string, Guid)> Notes { get; } = [];

        public Task AddNoteAsync(string userId, string note, Guid idempotencyKey, CancellationToken ct)
        {
            Notes.Add((userId, note, idempotencyKey));
            return Task.CompletedTask;
        }
    }

    [GeneratedRegex(@"// page:[^\n]*\n(.*?)\n *// end", RegexOptions.Singleline)]
    private static partial Regex Marked();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();
}
