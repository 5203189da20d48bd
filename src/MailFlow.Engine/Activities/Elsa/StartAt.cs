using System.Globalization;

namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Waits until an instant. One that is past is no wait.</summary>
[Activity("Elsa.StartAt", DisplayName = "Start at", Category = "Waits", Description = "Waits until an instant.", CanWait = true)]
internal sealed class StartAt : Activity<StartAt.Input>
{
    public sealed record Input([Input("The instant, such as 2026-12-24T09:00:00Z.")] DateTimeOffset DateTime);

    protected override StepResult Run(Input input, Step step) =>
        step.Now >= input.DateTime
            ? StepResult.Complete()
            : StepResult.WaitUntil(input.DateTime, string.Create(CultureInfo.InvariantCulture, $"waits until {input.DateTime.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"));
}
