using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class InputsMakeSenseTests
{
    [Activity("Test.Discount", Category = "Test")]
    private sealed class Discount : Activity<Discount.Input>
    {
        public sealed record Input(int Percent) : ICheckedInput
        {
            public string? Problem() => Percent is < 1 or > 90 ? $"percent: {Percent} is not between 1 and 90" : null;
        }

        protected override StepResult Run(Input input, Step step) => StepResult.Complete();
    }

    [Theory]
    [InlineData("Literal", "20", null)]
    [InlineData("Literal", "120", "“Discount” percent: 120 is not between 1 and 90.")]
    [InlineData("CEL", "contact.percent", null)] // what it is, only each contact tells
    public async Task An_input_that_makes_no_sense_is_found_before_a_publish_where_it_depends_on_no_contact(string syntax, string value, string? message)
    {
        await using var services = new ServiceCollection().AddLogging().AddEngine().AddActivity<Discount>().BuildServiceProvider();
        var graph = services.GetRequiredService<GraphBuilder>().Build(WorkflowDefinition.Parse("""
            {"definitionId": "d", "name": "D", "root": {"id": "root", "type": "Elsa.Flowchart", "activities": [
              {"id": "d1", "name": "Discount", "type": "Test.Discount", "percent": {"typeName": "Int32", "expression": {"type": "SYNTAX", "value": "VALUE"}}}]}}
            """.Replace("SYNTAX", syntax, StringComparison.Ordinal).Replace("VALUE", value, StringComparison.Ordinal)));

        var found = await new InputsMakeSense().CheckAsync(null!, 1, graph, default);

        Assert.Equal(message, found.SingleOrDefault()?.Message);
    }
}
