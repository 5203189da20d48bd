namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Writes a line into the journal (Elsa writes it to the console).</summary>
[Activity("Elsa.WriteLine", DisplayName = "Write line", Category = "Data", Description = "Writes a line into the journal.")]
internal sealed class WriteLine : Activity<WriteLine.Input>
{
    public sealed record Input([Input("The text.", Hint = "multiline")] string? Text = null);

    protected override StepResult Run(Input input, Step step) => StepResult.Complete(text: input.Text ?? "");
}
