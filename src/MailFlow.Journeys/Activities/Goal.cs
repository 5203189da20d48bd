using MailFlow.Engine.Activities;

namespace MailFlow.Journeys.Activities;

/// <summary>Marks that the contact has done what the journey is for, and goes on.</summary>
[Activity("MailFlow.Goal", Category = "Flow", Description = "Marks that the contact has reached what the journey is for.")]
public sealed class Goal : Activity<Goal.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input([Input("What has been reached, such as first order.")] string Name);

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step) => StepResult.Complete("Done", $"goal reached: {input.Name}");
}
