using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Tests.Expressions;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class InputBinderTests
{
    public sealed record Line(string Product, int Count = 1, bool IsGift = false);

    public sealed record Input(
        string Text = "unset",
        bool Flag = false,
        int Count = 7,
        double Ratio = 0.5,
        decimal Price = 1m,
        EntryRule Entry = EntryRule.Once,
        TimeSpan? For = null,
        DateTimeOffset? At = null,
        Rule? Filter = null,
        object? Anything = null,
        IReadOnlyList<string>? Tags = null,
        IReadOnlyDictionary<string, object?>? Map = null,
        IReadOnlyDictionary<string, string>? Headers = null,
        IReadOnlyList<Line>? Lines = null,
        Line? Line = null,
        VariableReference? Variable = null);

    [Activity("Tests.Inputs")]
    private sealed class Inputs : Activity<Input>
    {
        protected override StepResult Run(Input input, Step step) => StepResult.Complete();
    }

    private static readonly VariableElement Total = new("v1", "total", "Int32", false, null);

    [Fact]
    public void Inputs_that_nobody_gives_have_their_defaults_and_are_made_once()
    {
        var binder = Bind("{}");

        var input = Assert.IsType<Input>(binder.Constant);
        Assert.Equal(new Input(), input);
        Assert.Same(input, binder.Bind(new RuleScope()));
    }

    [Theory]
    [InlineData("text", "\"hello\"", "hello")]
    [InlineData("text", "12", "12")]
    [InlineData("text", "null", "unset")]
    [InlineData("text", "true", "true")]
    [InlineData("flag", "\"True\"", true)]
    [InlineData("flag", "\"False\"", false)]
    [InlineData("flag", "true", true)]
    [InlineData("flag", "\"\"", false)]
    [InlineData("count", "\"12\"", 12)]
    [InlineData("count", "12", 12)]
    [InlineData("count", "12.0", 12)]
    [InlineData("count", "\"\"", 7)]
    [InlineData("ratio", "\"1e2\"", 100.0)]
    [InlineData("ratio", "3", 3.0)]
    [InlineData("entry", "\"EveryTime\"", EntryRule.EveryTime)]
    [InlineData("entry", "\"every_time\"", EntryRule.EveryTime)]
    [InlineData("entry", "\"oneatatime\"", EntryRule.OneAtATime)]
    [InlineData("anything", "\"5\"", "5")]
    [InlineData("anything", "5", 5L)]
    public void A_literal_is_read_as_the_inputs_type_in_every_form_it_is_written_in(string input, string value, object expected)
    {
        foreach (var form in new[]
        {
            value,
            $$"""{"typeName":"X","expression":{"type":"Literal","value":{{value}}},"memoryReference":null}""",
            $$"""{"typeName":null,"expression":{"value":{{value}} } }""",
            $$"""{"type":"Literal","value":{{value}}}""",
            $$"""{"_type":"Y","TypeName":"X","Expression":{"_type":"Z","Type":"literal","Value":{{value}} } }""",
        })
        {
            Assert.Equal(expected, Bind($$"""{"{{input}}":{{form}}}""").ConstantOf(input));
            Assert.Equal(expected, Bind($$"""{"{{char.ToUpperInvariant(input[0]) + input[1..]}}":{{form}}}""").ConstantOf(input));
        }
    }

    [Theory]
    [InlineData("P3D")]
    [InlineData("3.00:00:00")]
    [InlineData("72h")]
    public void A_duration_is_read_in_each_of_its_forms(string text) => Assert.Equal(TimeSpan.FromDays(3), Constant($$"""{"for":"{{text}}"}""").For);

    [Fact]
    public void Instants_lists_maps_and_records_are_read()
    {
        var input = Constant("""
            {"at":"2026-05-01T12:00:00+02:00","price":"12.50",
             "tags":{"typeName":"ICollection<String>","expression":{"type":"Object","value":"[\"push\",\"sms\"]"}},
             "map":{"expression":{"type":"Json","value":"{\"a\":1,\"b\":[true,null]}"}},
             "headers":{"_type":"Dictionary","X-A":"1","X-B":2},
             "lines":[{"product":"book","count":"2"},{"Product":"pen","isGift":"True"}],
             "line":{"expression":{"type":"Object","value":"{\"product\":\"cup\"}"}},
             "variable":{"id":"v1","name":"total","typeName":"Int32"}}
            """);

        Assert.Equal(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero), input.At);
        Assert.Equal(12.5m, input.Price);
        Assert.Equal(["push", "sms"], input.Tags!);
        Assert.Equal(1L, input.Map!["a"]);
        Assert.Equal(new object?[] { true, null }, input.Map["b"]);
        Assert.Equal(new Dictionary<string, string> { ["X-A"] = "1", ["X-B"] = "2" }, input.Headers);
        Assert.Equal([new Line("book", 2), new Line("pen", 1, true)], input.Lines!);
        Assert.Equal(new Line("cup"), input.Line);
        Assert.Equal(new VariableReference("total", "Int32", false), input.Variable);
    }

    [Fact]
    public void One_text_for_a_list_is_a_list_of_one() => Assert.Equal(["vip"], Constant("""{"tags":"vip"}""").Tags!);

    [Fact]
    public void Expressions_are_evaluated_for_each_instance()
    {
        var binder = Bind("""
            {"text":{"expression":{"type":"CEL","value":"contact.first_name"}},
             "flag":{"expression":{"type":"CEL","value":"event.total > 50.0"}},
             "count":{"expression":{"type":"Variable","value":{"id":"v1","name":"total"}}},
             "anything":{"expression":{"type":"Input","value":{"name":"plan"}}},
             "lines":{"expression":{"type":"Object","value":"[{\"product\":\"x\",\"isGift\":{\"type\":\"CEL\",\"value\":\"event.total == 60\"}}]"}},
             "map":{"plan":{"type":"CEL","value":"event.total + 1"},"fixed":{"type":"gold","value":3}}}
            """);

        Assert.Null(binder.Constant);
        var input = (Input)binder.Bind(new RuleScope()
            .Add("contact", """{"first_name":"Ada"}""").Add("event", """{"total":60}""").Add("variables", """{"total":"3"}""").Add("trigger", """{"plan":"pro"}"""));

        Assert.Equal(("Ada", true, 3, "pro"), (input.Text, input.Flag, input.Count, input.Anything));
        Assert.Equal([new Line("x", 1, true)], input.Lines!);
        Assert.Equal(61L, input.Map!["plan"]);
        Assert.Equal("gold", ((IReadOnlyDictionary<string, object?>)input.Map["fixed"]!)["type"]);

        var missing = (Input)binder.Bind(new RuleScope());
        Assert.Equal(("unset", false, 7, null), (missing.Text, missing.Flag, missing.Count, missing.Anything));
    }

    [Fact]
    public void Handlebars_put_values_into_text()
    {
        var binder = Bind("""{"text":{"type":"Handlebars","value":"Hi {{contact.first_name}} & {{variables.n}}"},"count":{"type":"Handlebars","value":"{{event.n}}"},"anything":{"type":"Handlebars","value":"plain"}}""");

        var input = (Input)binder.Bind(new RuleScope().Add("contact", """{"first_name":"<Ada>"}""").Add("variables", """{"n":2}""").Add("event", """{"n":"41"}"""));

        Assert.Equal(("Hi <Ada> & 2", 41, "plain"), (input.Text, input.Count, input.Anything));
        Assert.Equal("plain", binder.ConstantOf("anything"));
    }

    [Fact]
    public void A_rule_is_handed_over_unevaluated_and_its_counts_are_known()
    {
        foreach (var type in new[] { "Literal", "CEL" })
        {
            var binder = Bind($$"""{"filter":{"expression":{"type":"{{type}}","value":"count_events('opened', duration('P7D')) > 2"} },"flag":{"type":"CEL","value":"count_events('bought', duration('P1D')) > 0"} }""");

            Assert.Equal(
                [new EventCount("bought", TimeSpan.FromDays(1)), new EventCount("opened", TimeSpan.FromDays(7))],
                binder.EventCounts.OrderBy(count => count.Type));
            Assert.StartsWith("count_events", ((Rule)binder.ConstantOf("filter")!).Text, StringComparison.Ordinal);
        }
        Assert.Null(Constant("""{"filter":""}""").Filter);
        Assert.True(Constant("""{"filter":true}""").Filter!.Expression.Matches(new RuleScope()));
    }

    [Theory]
    [InlineData("""{"count":"many"}""", "ill_typed_input", "is not a whole number")]
    [InlineData("""{"count":5000000000}""", "ill_typed_input", "32 bits")]
    [InlineData("""{"count":[1]}""", "ill_typed_input", "[1] is not a whole number")]
    [InlineData("""{"for":"soon"}""", "ill_typed_input", "is not a duration")]
    [InlineData("""{"for":3}""", "ill_typed_input", "3 is not a duration")]
    [InlineData("""{"at":"tomorrow"}""", "ill_typed_input", "is not an instant")]
    [InlineData("""{"flag":"perhaps"}""", "ill_typed_input", "true or false")]
    [InlineData("""{"entry":"twice"}""", "ill_typed_input", "one of EveryTime, Once, OneAtATime, OncePer")]
    [InlineData("""{"map":"x"}""", "ill_typed_input", "is not a map")]
    [InlineData("""{"lines":[["x"]]}""", "ill_typed_input", "is not a value of type Line")]
    [InlineData("""{"lines":[{"count":1}]}""", "missing_input", "an item without 'product'")]
    [InlineData("""{"lines":[{"product":"x","count":"y"}]}""", "ill_typed_input", "'count' that is not right")]
    [InlineData("""{"tags":{"type":"Object","value":"[1,"}}""", "ill_typed_input", "is not JSON")]
    [InlineData("""{"filter":"contact.x >"}""", "bad_expression", "cannot be read")]
    [InlineData("""{"flag":{"type":"CEL","value":"nobody.x"}}""", "bad_expression", "nobody")]
    [InlineData("""{"text":{"type":"Handlebars","value":"{{#if contact.x}}"}}""", "bad_expression", "cannot be read")]
    [InlineData("""{"filter":{"type":"Variable","value":{"id":"v1"}}}""", "ill_typed_input", "written as CEL, not as Variable")]
    [InlineData("""{"count":{"type":"Variable","value":{"name":"nope"}}}""", "unknown_variable", "'nope'")]
    [InlineData("""{"variable":{"id":"nope"}}""", "unknown_variable", "'nope'")]
    [InlineData("""{"text":{"expression":{"type":"Jinja","value":"x"}}}""", "unknown_expression", "'Jinja'")]
    [InlineData("""{"text":{"expression":{"type":"JavaScript","value":"1"}}}""", "refused_expression", "JavaScript")]
    [InlineData("""{"text":{"expression":{"type":"C#","value":"1"}}}""", "refused_expression", "CSharp")]
    [InlineData("""{"text":{"expression":{"type":"liquid","value":"1"}}}""", "refused_expression", "Liquid")]
    [InlineData("""{"filter":{"expression":{"type":"Python","value":"1"}}}""", "refused_expression", "Python")]
    [InlineData("""{"lines":[{"product":{"type":"JavaScript","value":"1"}}]}""", "refused_expression", "JavaScript")]
    [InlineData("""{"inputNobodyKnows":{"typeName":"String","expression":{"type":"JavaScript","value":"1"}}}""", "refused_expression", "inputNobodyKnows")]
    public void A_wrong_input_is_reported_with_its_name_and_fails_only_when_it_is_bound(string json, string code, string message)
    {
        var (binder, findings) = Compile(json);

        var finding = Assert.Single(findings);
        Assert.Equal((Severity.Error, code, "a"), (finding.Severity, finding.Code, finding.ActivityId));
        Assert.Contains(message, finding.Message, StringComparison.Ordinal);
        Assert.Contains("“The title”", finding.Message, StringComparison.Ordinal);
        Assert.Equal(JsonNode.Parse(json)!.AsObject().First().Key, finding.Input);
        if (finding.Input != "inputNobodyKnows") Assert.Contains(finding.Input!, Assert.Throws<ExpressionException>(() => binder.Bind(new RuleScope())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_delegate_that_an_export_lost_is_as_good_as_not_given() =>
        Assert.Equal("unset", Constant("""{"text":{"typeName":"String","expression":{"type":"Delegate","value":null}}}""").Text);

    [Fact]
    public void A_value_that_turns_out_wrong_names_its_input()
    {
        var binder = Bind("""{"count":{"type":"CEL","value":"contact.age"}}""");

        var error = Assert.Throws<ExpressionException>(() => binder.Bind(RuleScope.With("contact", """{"age":"old"}""")));

        Assert.Contains("'count'", error.Message, StringComparison.Ordinal);
    }

    private static Input Constant(string json) => Assert.IsType<Input>(Bind(json).Constant);

    private static IInputBinder Bind(string json)
    {
        var (binder, findings) = Compile(json);
        Assert.Empty(findings);
        return binder;
    }

    private static (IInputBinder Binder, IReadOnlyList<Finding> Findings) Compile(string json)
    {
        var element = (JsonObject)JsonNode.Parse(json)!;
        element["metadata"] = new JsonObject { ["displayText"] = "The title" };
        var findings = new Findings();
        var binding = new InputBinding(new InputCompiler(new VariableScope([Total])), findings);
        var descriptor = new ActivityRegistry([typeof(Inputs)]).Find("Tests.Inputs")!;
        return (binding.Bind(descriptor, new ActivityElement(element, "a", "Tests.Inputs")), findings.All);
    }
}
