using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Sets a variable of the instance.</summary>
[Activity("Elsa.SetVariable", DisplayName = "Set variable", Category = "Data", Description = "Keeps a value under a name, for later steps.")]
internal sealed class SetVariable : Activity<SetVariable.Input>
{
    public sealed record Input(
        [Input("Which variable.", Hint = "variable-picker", Bare = true)] VariableReference Variable,
        [Input("Its new value.")] object? Value = null);

    protected override StepResult Run(Input input, Step step)
    {
        step.SetVariable(input.Variable.Name, VariableValue.Of(input.Variable.TypeName, input.Variable.IsArray, input.Value));
        return StepResult.Complete();
    }
}
