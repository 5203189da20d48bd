using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Expressions;

namespace MailFlow.Audience;

/// <summary>Asks a segment's rule of many contacts in memory, having read the counts of events it needs in one query each.</summary>
internal sealed class SegmentEvaluation
{
    private readonly EventCounts _counts = new();
    private readonly SegmentRule _segment;
    private readonly DateTimeOffset _now;

    private SegmentEvaluation(SegmentRule segment, DateTimeOffset now) => (_segment, _now) = (segment, now);

    public static async Task<SegmentEvaluation> PrepareAsync(
        Session session, SegmentRule segment, IReadOnlyList<long> contactIds, DateTimeOffset now, CancellationToken ct)
    {
        var evaluation = new SegmentEvaluation(segment, now);
        await evaluation._counts.FetchAsync(session, segment.Rule.Requirements.EventCounts, contactIds, now.ToUnixTimeMilliseconds(), ct);
        return evaluation;
    }

    public bool Contains(Contact contact) => _segment.Rule.Matches(new Scope(this, contact));

    public IReadOnlyList<RulePart> Explain(Contact contact) => _segment.Rule.Explain(new Scope(this, contact));

    private sealed class Scope(SegmentEvaluation evaluation, Contact contact) : IExpressionScope
    {
        public DateTimeOffset Now => evaluation._now;

        public object? Root(string name) => name == "contact" ? contact.Fields : null;

        public long CountEvents(string type, TimeSpan? window) => evaluation._counts.Get(contact.Id, type, window);
    }
}
