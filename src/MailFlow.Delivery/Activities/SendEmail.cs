using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery.Sending;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Activities;

/// <summary>Queues one e-mail to the contact. The step is done when the mail is in the ledger; the sender does the rest.</summary>
[Activity("MailFlow.SendEmail", Category = "Messaging", DisplayName = "Send e-mail", Description = "Sends one e-mail to the contact, made from a template.")]
public sealed class SendEmail(Templates templates) : BatchActivity<SendEmail.Input>
{
    /// <summary>What to send.</summary>
    public sealed record Input(
        [Input("The template's key.", ChoicesFrom = "templates")] string Template,
        [Input("A subject in place of the template's own.")] string? Subject = null,
        [Input("What kind of mail it is. Default: as the journey says.")] MessageStream? Stream = null,
        [Input("How long after it was queued the mail may still be sent. Default: however long it takes.")] TimeSpan? ExpiresAfter = null,
        [Input("Of marketing mail to a contact who has had as much as the account's cap allows: low is skipped, normal waits, high is sent.")] MessagePriority Priority = MessagePriority.Normal,
        [Input("The purpose that the mail asks to agree to, by the link confirm_url (double opt-in). Such a mail needs no consent itself.", ChoicesFrom = "purposes")] string? ConfirmPurpose = null);

    /// <inheritdoc/>
    protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
    {
        var versions = await templates.LatestVersionsAsync(steps.Session, steps.AccountId, [.. steps.Select(step => step.Input.Template).Distinct()], ct);
        var planned = new List<PlannedMessage>(steps.Count);
        foreach (var step in steps)
        {
            if (!versions.TryGetValue(step.Input.Template, out var version))
            {
                step.Decide(StepResult.Fault($"there is no template '{step.Input.Template}'"));
                continue;
            }
            if (!string.IsNullOrWhiteSpace(step.Input.ConfirmPurpose) && WhyNoPurpose(step.Input.ConfirmPurpose) is { } problem)
            {
                step.Decide(StepResult.Fault(problem));
                continue;
            }
            planned.Add(Plan(step, version));
            step.Complete(text: $"queued '{step.Input.Template}' to {step.Context.Contact.Text("email") ?? "a contact without an e-mail address"}");
        }
        await Ledger.PlanAsync(steps.Session, planned, steps.Now.ToUnixTimeMilliseconds(), ct);
    }

    private static PlannedMessage Plan(Step<Input> step, int version)
    {
        var (input, context, rules) = (step.Input, step.Context, step.Context.Journey.Rules);
        var confirm = string.IsNullOrWhiteSpace(input.ConfirmPurpose) ? null : input.ConfirmPurpose;
        // Whoever is asked has not agreed yet: the question is no marketing mail.
        var stream = confirm is not null ? MessageStream.Transactional : input.Stream ?? rules.Stream;
        return new PlannedMessage
        {
            Id = context.Key,
            AccountId = context.AccountId,
            ContactId = context.ContactId,
            UserId = context.Contact.UserId,
            JourneyId = context.Journey.Id,
            VersionId = context.Journey.VersionId,
            InstanceId = context.InstanceId,
            ActivityId = context.ActivityId,
            Template = input.Template,
            TemplateVersion = version,
            Subject = string.IsNullOrWhiteSpace(input.Subject) ? null : input.Subject,
            Stream = stream,
            // A receipt sent from a marketing journey needs no consent; a transactional journey that names a purpose wants one.
            Purpose = confirm is not null ? null : stream == rules.Stream || stream == MessageStream.Marketing ? rules.Purpose : null,
            ExpiresAt = input.ExpiresAfter is { } span ? (context.Now + span).ToUnixTimeMilliseconds() : null,
            Priority = input.Priority,
            Snapshot = Snapshot.Write(context, confirm),
        };
    }

    private static string? WhyNoPurpose(string purpose)
    {
        try
        {
            ContactFieldsCheck.Purpose(purpose, "confirmPurpose");
            return null;
        }
        catch (InvalidInputException error)
        {
            return error.Message;
        }
    }
}
