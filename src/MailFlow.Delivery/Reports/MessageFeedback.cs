using MailFlow.Data;
using MailFlow.Delivery.Reports;

namespace MailFlow.Delivery;

/// <summary>What became of a mail after the provider had it, in short; null for what nobody has reported.</summary>
/// <param name="DeliveredAt">When the recipient's server took it.</param>
/// <param name="BouncedAt">When it came back.</param>
/// <param name="Bounce">Whose fault that was: <c>hard</c>, <c>recipient_soft</c>, <c>message_soft</c> or <c>sender_fault</c>.</param>
/// <param name="DroppedAt">When the provider itself withheld it.</param>
/// <param name="ComplainedAt">When the recipient called it spam.</param>
/// <param name="UnsubscribedAt">When the recipient unsubscribed by it: at the provider, or by a link of ours.</param>
/// <param name="OpenedAt">When a human first opened it.</param>
/// <param name="ClickedAt">When a human first followed a link in it.</param>
/// <param name="Opens">How often humans opened it.</param>
/// <param name="Clicks">How often humans followed a link in it.</param>
/// <param name="MachineOpens">How often machines opened it, and those not judged yet.</param>
/// <param name="MachineClicks">The same of links.</param>
public sealed record MessageFeedback(
    DateTimeOffset? DeliveredAt, DateTimeOffset? BouncedAt, string? Bounce, DateTimeOffset? DroppedAt, DateTimeOffset? ComplainedAt, DateTimeOffset? UnsubscribedAt,
    DateTimeOffset? OpenedAt, DateTimeOffset? ClickedAt, int Opens, int Clicks, int MachineOpens, int MachineClicks)
{
    internal const string Columns = Summary.Columns;

    internal static MessageFeedback? Read(Row row, int first) => row.IsNull(first) ? null : Of(Summary.Read(row, first));

    private static MessageFeedback Of(Summary summary) => new(
        Instant(summary.DeliveredAt), Instant(summary.BouncedAt), summary.Bounce is { } bounce ? BounceWords.Of(bounce) : null, Instant(summary.DroppedAt), Instant(summary.ComplainedAt),
        Instant(summary.UnsubscribedAt), Instant(summary.HumanOpenedAt), Instant(summary.HumanClickedAt), summary.HumanOpens, summary.HumanClicks,
        summary.Opens - summary.HumanOpens, summary.Clicks - summary.HumanClicks);

    private static DateTimeOffset? Instant(long? at) => at is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;
}

/// <summary>One report about a mail.</summary>
/// <param name="At">When it happened, by the provider's clock.</param>
/// <param name="Kind">What: <c>accepted</c>, <c>delivered</c>, <c>delayed</c>, <c>bounced</c>, <c>dropped</c>, <c>complained</c>, <c>unsubscribed</c>, <c>opened</c>, <c>clicked</c> or <c>trap</c> (a link that no human sees was followed).</param>
/// <param name="Bounce">Of a bounce: whose fault.</param>
/// <param name="Reason">The words of the provider or the server.</param>
/// <param name="Url">Of a click: where the link leads.</param>
/// <param name="UserAgent">Of an open or a click: what program it was.</param>
/// <param name="Human">Of an open or a click: whether a human did it; null while that is not judged.</param>
/// <param name="Verdict">What shows that it was none; of any other report, why it counts for nothing.</param>
public sealed record MessageReport(DateTimeOffset At, string Kind, string? Bounce, string? Reason, string? Url, string? UserAgent, bool? Human, string? Verdict)
{
    internal static string WordOf(FeedbackKind kind) => kind == Report.Trap ? "trap" : kind.ToString().ToLowerInvariant();
}
