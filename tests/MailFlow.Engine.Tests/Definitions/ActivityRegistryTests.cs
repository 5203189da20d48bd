using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class ActivityRegistryTests
{
    [Fact]
    public void A_descriptor_is_derived_from_the_class_and_its_input_record()
    {
        var descriptor = new ActivityRegistry([typeof(Everything)]).Find("Tests.Everything")!;

        Assert.Equal(("Everything", "Tests", ActivityKind.Trigger), (descriptor.DisplayName, descriptor.Category, descriptor.Kind));
        Assert.True(descriptor.CanWait);
        Assert.Equal(["Yes", "No"], descriptor.Outcomes);
        var lines = descriptor.Inputs.Select(input =>
            $"{input.Name} | {input.DisplayName} | {input.TypeName} | {input.Hint} | {(input.Required ? "required" : input.Default ?? "none")} | {string.Join(',', input.Choices ?? [])}");
        Assert.Equal(
            [
                "sendAt | Send at | DateTimeOffset | datetime-picker | required | ",
                "eventType | Kind of event | String | dropdown | required | ",
                "items | Items | ICollection<Object> | json-editor | required | ",
                "filter | Filter | String | singleline | none | ",
                "mode | Mode | String | dropdown | Race | Stream,Merge,Converge,Cascade,Race",
                "for | For | TimeSpan | singleline | 00:00:00 | ",
                "tags | Tags | ICollection<String> | multitext | none | ",
                "headers | Headers | Object | dictionary | none | ",
                "on | On | Boolean | checkbox | True | ",
                "trackURL | Track URL | Int32 | singleline | 3 | ",
                "size | Size | String | dropdown | M | S,M,L",
                "body | Body | Object | multiline | none | ",
            ],
            lines);
        Assert.Equal("When to send.", descriptor.Input("SendAt")!.Description);
        Assert.Equal("event_types", descriptor.Input("eventType")!.ChoicesFrom);
    }

    [Fact]
    public void Activities_are_found_in_an_assembly_and_made_in_a_scope_of_their_own()
    {
        using var services = new ServiceCollection()
            .AddActivities(typeof(Graph).Assembly).AddActivities(typeof(Graph).Assembly).AddActivity<Everything>()
            .BuildServiceProvider(validateScopes: true);

        var registry = services.GetRequiredService<ActivityRegistry>();

        Assert.NotNull(registry.Find("Elsa.Delay"));
        Assert.NotNull(registry.Find("Elsa.Flowchart"));
        Assert.NotNull(registry.Find("Tests.Everything"));
        Assert.Null(registry.Find("elsa.delay"));
        using var scope = services.CreateScope();
        Assert.IsType<Everything>(scope.ServiceProvider.GetRequiredService(registry.Find("Tests.Everything")!.Class));
    }

    [Fact]
    public void Two_activities_of_one_type_name_stop_the_start_and_both_are_named()
    {
        var services = new ServiceCollection().AddActivity<Everything>();

        var error = Assert.Throws<InvalidOperationException>(() => services.AddActivity<EverythingAgain>());

        Assert.Contains(typeof(Everything).FullName!, error.Message, StringComparison.Ordinal);
        Assert.Contains(typeof(EverythingAgain).FullName!, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(typeof(WithoutAttribute), "has no [Activity]")]
    [InlineData(typeof(WithReservedInput), "an input called 'version'")]
    [InlineData(typeof(WithoutThatInput), "OutcomesFrom names 'cases'")]
    public void A_class_that_cannot_be_described_is_refused(Type type, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidOperationException>(() => new ActivityRegistry([type])).Message, StringComparison.Ordinal);

    public sealed record Item(string Name, int Weight = 1);

    [Activity("Tests.Everything", Category = "Tests", Outcomes = ["Yes", "No"])]
    public sealed class Everything : Activity<Everything.Input>, IEventTrigger<Everything.Input>
    {
        public sealed record Input(
            [Input("When to send.")] DateTimeOffset SendAt,
            [Input(DisplayName = "Kind of event", ChoicesFrom = "event_types")] string EventType,
            IReadOnlyList<Item> Items,
            Rule? Filter = null,
            MergeMode Mode = MergeMode.Race,
            TimeSpan For = default,
            IReadOnlyList<string>? Tags = null,
            IReadOnlyDictionary<string, string>? Headers = null,
            bool On = true,
            int TrackURL = 3,
            [Input(Choices = ["S", "M", "L"])] string Size = "M",
            [Input(Hint = "multiline")] object? Body = null);

        public string? EventTypeOf(Input input) => input.EventType;

        public Rule? FilterOf(Input input) => input.Filter;

        protected override StepResult Run(Input input, Step step) => StepResult.Complete("Yes");
    }

    [Activity("Tests.Everything")]
    private sealed class EverythingAgain : Activity<Item>
    {
        protected override StepResult Run(Item input, Step step) => StepResult.Complete();
    }

    private sealed class WithoutAttribute : Activity<Item>
    {
        protected override StepResult Run(Item input, Step step) => StepResult.Complete();
    }

    [Activity("Tests.WithReservedInput")]
    private sealed class WithReservedInput : Activity<WithReservedInput.Input>
    {
        public sealed record Input(int Version = 0);

        protected override StepResult Run(Input input, Step step) => StepResult.Complete();
    }

    [Activity("Tests.WithoutThatInput", OutcomesFrom = "cases")]
    private sealed class WithoutThatInput : Activity<Item>
    {
        protected override StepResult Run(Item input, Step step) => StepResult.Complete();
    }
}
