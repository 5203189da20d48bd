using MailFlow.Engine.Activities;

namespace MailFlow.Audience.Activities;

/// <summary>Branches on whether the contact is in a segment at this moment, the changes of the event at hand included.</summary>
[Activity("MailFlow.EvaluateSegment", Category = "Decisions", DisplayName = "Evaluate segment",
    Description = "Asks whether the contact is in a segment at this moment.", Outcomes = ["In", "Out"])]
public sealed class EvaluateSegment(Segments segments) : BatchActivity<EvaluateSegment.Input>
{
    /// <summary>What to ask.</summary>
    public sealed record Input([Input("The segment, by its key.", ChoicesFrom = "segments")] string Segment);

    /// <inheritdoc/>
    protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
    {
        foreach (var group in steps.GroupBy(step => step.Input.Segment))
        {
            var segment = await segments.RuleAsync(steps.Session, steps.AccountId, group.Key, ct);
            if (segment is null)
            {
                foreach (var step in group) step.Decide(StepResult.Fault($"There is no segment '{group.Key}'."));
                continue;
            }
            var evaluation = await SegmentEvaluation.PrepareAsync(
                steps.Session, segment, [.. group.Select(step => step.ContactId)], steps.Now, ct);
            foreach (var step in group)
                if (evaluation.Contains(step.Context.Contact)) step.Complete("In", $"in segment '{segment.Name}'");
                else step.Complete("Out", $"not in segment '{segment.Name}'");
        }
    }
}
