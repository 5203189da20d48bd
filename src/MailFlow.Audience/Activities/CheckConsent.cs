using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience.Activities;

/// <summary>Branches on whether the contact has agreed to a purpose, and not refused marketing mail in general since.</summary>
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
            var contacts = group.Select(step => step.ContactId).ToList();
            var refused = steps.Journey.Rules.Stream == MessageStream.Marketing
                ? await consents.RefusedMarketingAsync(steps.Session, steps.AccountId, group.Key, contacts, ct)
                : new HashSet<long>();
            var granted = group.Key is { } purpose ? await consents.GrantedAsync(steps.Session, steps.AccountId, purpose, contacts, ct) : null;
            foreach (var step in group)
                if (refused.Contains(step.ContactId)) step.Complete("Missing", "the contact has refused marketing mail");
                else if (granted is null) step.Complete("Granted", "the journey has no purpose that needs consent");
                else if (granted.Contains(step.ContactId)) step.Complete("Granted", $"consent to '{group.Key}' granted");
                else step.Complete("Missing", $"no consent to '{group.Key}'");
        }
    }
}
