using MailFlow.Engine.Activities;

namespace MailFlow.Audience.Activities;

/// <summary>Branches on whether the contact has agreed to a purpose.</summary>
[Activity("MailFlow.CheckConsent", Category = "Decisions", DisplayName = "Check consent",
    Description = "Asks whether the contact has agreed to a purpose, such as a newsletter.", Outcomes = ["Granted", "Missing"])]
public sealed class CheckConsent(Consents consents) : BatchActivity<CheckConsent.Input>
{
    /// <summary>What to ask.</summary>
    public sealed record Input([Input("The purpose; empty for the journey's own.", ChoicesFrom = "purposes")] string? Purpose = null);

    /// <inheritdoc/>
    protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
    {
        foreach (var group in steps.GroupBy(step => string.IsNullOrWhiteSpace(step.Input.Purpose) ? steps.Journey.Rules.Purpose : step.Input.Purpose))
        {
            if (group.Key is not { } purpose)
            {
                foreach (var step in group) step.Complete("Granted", "the journey has no purpose that needs consent");
                continue;
            }
            var granted = await consents.GrantedAsync(steps.Session, steps.AccountId, purpose, [.. group.Select(step => step.ContactId)], ct);
            foreach (var step in group)
                if (granted.Contains(step.ContactId)) step.Complete("Granted", $"consent to '{purpose}' granted");
                else step.Complete("Missing", $"no consent to '{purpose}'");
        }
    }
}
