using MailFlow.Engine.Activities;

namespace MailFlow.Journeys.Activities;

/// <summary>Sends the contact one way or the other by a rule on the contact, the event or the journey.</summary>
[Activity("MailFlow.Condition", Category = "Decisions", Outcomes = ["True", "False"],
    Description = "Asks a question about the contact or the event and goes the way of the answer.")]
public sealed class Condition : Activity<Condition.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input([Input("The rule, such as contact.country == 'US'. Something missing makes a comparison false.", DisplayName = "Rule")] Rule Condition);

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step) => step.Matches(input.Condition)
        ? StepResult.Complete("True", $"{input.Condition.Text} holds")
        : StepResult.Complete("False", $"{input.Condition.Text} does not hold");
}
