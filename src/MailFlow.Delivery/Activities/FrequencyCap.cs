using MailFlow.Delivery.Policies;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;

namespace MailFlow.Delivery.Activities;

/// <summary>Branches on how much mail the contact has had lately, what is queued included.</summary>
[Activity("MailFlow.FrequencyCap", Category = "Decisions", DisplayName = "Frequency cap",
    Description = "Asks whether the contact has had as much mail lately as is good.", Outcomes = ["Below", "Reached"])]
public sealed class FrequencyCap : BatchActivity<FrequencyCap.Input>
{
    /// <summary>What to ask.</summary>
    public sealed record Input(
        [Input("How many mails are enough: 1 or more.", DisplayName = "Mails")] int Messages = 3,
        [Input("In how long a time: P7D, PT24H.", DisplayName = "Within")] TimeSpan? Period = null,
        [Input("The kind of mail that is counted.")] MessageStream Stream = MessageStream.Marketing) : ICheckedInput
    {
        string? ICheckedInput.Problem() => Messages < 1 ? $"messages: {Messages} is not 1 or more" : null;
    }

    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    /// <inheritdoc/>
    protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
    {
        foreach (var group in steps.GroupBy(step => (step.Input.Stream, Period: step.Input.Period ?? Week)))
        {
            var had = await MessagesHad.QueuedSinceAsync(
                steps.Session, group.Key.Stream, [.. group.Select(step => step.ContactId)], (steps.Now - group.Key.Period).ToUnixTimeMilliseconds(), ct);
            foreach (var step in group)
            {
                var count = had.GetValueOrDefault(step.ContactId);
                var words = $"{count} {(count == 1 ? "mail" : "mails")} within {DurationText.InWords(group.Key.Period)}; enough are {step.Input.Messages}";
                if (((ICheckedInput)step.Input).Problem() is { } problem) step.Decide(StepResult.Fault(problem));
                else step.Complete(count < step.Input.Messages ? "Below" : "Reached", words);
            }
        }
    }
}
