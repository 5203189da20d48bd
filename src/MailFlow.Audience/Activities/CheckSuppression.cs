using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience.Activities;

/// <summary>Branches on whether the contact's address may be mailed.</summary>
[Activity("MailFlow.CheckSuppression", Category = "Decisions", DisplayName = "Check suppression",
    Description = "Asks whether the contact's address is suppressed: bounced, complained, unsubscribed.", Outcomes = ["Clear", "Suppressed"])]
public sealed class CheckSuppression(Suppressions suppressions) : BatchActivity<CheckSuppression.Input>
{
    /// <summary>What to ask.</summary>
    public sealed record Input([Input("The kind of mail it is asked for.")] MessageStream Stream = MessageStream.Marketing);

    /// <inheritdoc/>
    protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
    {
        foreach (var group in steps.GroupBy(step => step.Input.Stream))
        {
            var blocked = await suppressions.AmongAsync(steps.Session, steps.AccountId, group.Key,
                [.. group.Select(step => (step.ContactId, step.Context.Contact.Text("email")))], ct, steps.Now.ToUnixTimeMilliseconds());
            foreach (var step in group)
                if (blocked.TryGetValue(step.ContactId, out var suppression)) step.Complete("Suppressed", suppression.Describe());
                else step.Complete("Clear", "not suppressed");
        }
    }
}
