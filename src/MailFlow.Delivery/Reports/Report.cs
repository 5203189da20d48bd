using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MailFlow.Data;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Reports;

/// <summary>A report as it is kept: what came from outside is cut to what a row takes.</summary>
internal sealed record Report
{
    /// <summary>Beside <see cref="FeedbackKind"/>, of our own tracking: the link that no human sees was followed.</summary>
    public const FeedbackKind Trap = (FeedbackKind)9;

    private const int LongestReason = 500, LongestUrl = 2_000, LongestAgent = 300;

    public required Guid Key { get; init; }
    public required int AccountId { get; init; }
    public required string Connection { get; init; }
    public required long CallId { get; init; }
    public required FeedbackKind Kind { get; init; }
    public required long At { get; init; }
    public required Guid? MessageId { get; init; }
    public required string? ProviderId { get; init; }
    public BounceKind? Bounce { get; init; }
    public ReportedFault? Fault { get; init; }
    public ListedFor? Listed { get; init; }
    public bool? IsMachine { get; init; }
    public string? Reason { get; init; }
    public string? Url { get; init; }
    public string? UserAgent { get; init; }
    public string? Network { get; init; }

    /// <summary>Whether the sending provider says so; not a mail that came back, whoever wrote it.</summary>
    public bool IsAttested { get; init; } = true;

    /// <summary>Whether it comes from the provider, or from somebody who has the mail. What anybody can have made up is kept, and spares the address, but counts for nothing.</summary>
    public bool IsProven { get; init; } = true;

    /// <summary>What stands beside a report that is not proven.</summary>
    public const string Unproven = "anybody can have sent this: it lacks our signature";

    /// <summary>Whether it is judged, some seconds after it came, whether a human did it.</summary>
    public bool IsEngagement => Kind is FeedbackKind.Opened or FeedbackKind.Clicked or Trap;

    /// <summary>A provider's clock may be ahead of ours; nothing happened in the future.</summary>
    public static Report Of(StoredCall call, Feedback feedback, IReadOnlyList<SigningKey> keys, long now) => new()
    {
        Key = StableHash.Key("feedback", call.AccountId.ToString(CultureInfo.InvariantCulture), call.Connection, feedback.Key),
        AccountId = call.AccountId,
        Connection = call.Connection,
        CallId = call.Id,
        Kind = feedback.Kind,
        At = Math.Clamp(feedback.At.ToUnixTimeMilliseconds(), 0, now),
        MessageId = feedback.MessageId,
        ProviderId = Clean(feedback.ProviderId, 300),
        Bounce = feedback.Kind == FeedbackKind.Bounced ? feedback.Bounce ?? BounceKind.MessageSoft : null,
        Fault = feedback is { Kind: FeedbackKind.Bounced, Bounce: BounceKind.SenderFault } ? feedback.Fault : null,
        Listed = feedback.Kind == FeedbackKind.Dropped ? feedback.Listed : null,
        IsAttested = feedback.ReturnTag is null,
        IsProven = feedback.ReturnTag is not { } tag || (feedback.MessageId is { } id && ReturnTag.IsRight(id, tag, keys)),
        IsMachine = feedback.IsMachine,
        Reason = Clean(feedback.Reason, LongestReason),
        Url = Clean(feedback.Url, LongestUrl),
        UserAgent = Clean(feedback.UserAgent, LongestAgent),
        Network = NetworkOf(feedback.IpAddress),
    };

    /// <summary>That it happened, and nothing of what it says of the person.</summary>
    public Report WithoutPerson() => this with { ProviderId = null, Reason = null, Url = null, UserAgent = null, Network = null };

    /// <summary>On one line, without what no database takes, and not too long.</summary>
    internal static string? Clean(string? text, int longest)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        if (text.Length > longest) text = text[..longest];
        return string.Create(text.Length, text, (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
            {
                var isHalf = char.IsSurrogate(from[i])
                    && !(char.IsHighSurrogate(from[i]) && i + 1 < from.Length && char.IsLowSurrogate(from[i + 1])) && !(char.IsLowSurrogate(from[i]) && i > 0 && char.IsHighSurrogate(from[i - 1]));
                to[i] = char.IsControl(from[i]) ? ' ' : isHalf ? '\ufffd' : from[i];
            }
        }).Trim();
    }

    /// <summary>The address's network (IPv4 /24, IPv6 /48): enough to tell one machine's doings from another's, and no person's address.</summary>
    private static string? NetworkOf(string? address)
    {
        if (!IPAddress.TryParse(address, out var ip)) return null;
        if (ip.IsIPv4MappedToIPv6) ip = ip.MapToIPv4();
        var bytes = ip.GetAddressBytes();
        var kept = ip.AddressFamily == AddressFamily.InterNetwork ? 3 : 6;
        bytes.AsSpan(kept).Clear();
        return $"{new IPAddress(bytes)}/{kept * 8}";
    }
}

/// <summary>A call as it was stored.</summary>
internal sealed record StoredCall(long Id, int AccountId, string Connection, string Type, int Attempt, byte[] Body);

/// <summary>The message that a report is about, as of the transaction at hand.</summary>
/// <param name="ContactExists">Not of one that was erased: what is reported of an old mail must not tell of the person again.</param>
/// <param name="FromDomain">The domain that the mail came from; null when that is not known.</param>
/// <param name="RefusesTracking">Whether opens and clicks of it are not kept, as of now.</param>
internal sealed record ReportedMessage(
    Guid Id, int AccountId, long ContactId, string UserId, bool ContactExists, string? Journey, string? ActivityId, string Template, MessageStream Stream, string? Purpose,
    MessageState State, int Attempt, string? To, string? Provider, string? ProviderId, long HandedOverAt, string? FromDomain, bool RefusesTracking)
{
    public const string Columns = """
        m.id, m.account_id, m.contact_id, m.user_id, c.id, j.definition_id, m.activity_id, m.template, m.stream, m.purpose, m.state, m.attempt, m.to_address, m.provider, m.provider_id, coalesce(m.handed_over_at, m.updated_at), m.from_domain, c.attributes -> 'tracking', t.consent
        """;

    /// <summary>How many they are: what a statement reads besides comes after.</summary>
    public const int ColumnCount = 19;

    public const string Joins = "LEFT JOIN contact c ON c.id = m.contact_id AND c.erased_at IS NULL LEFT JOIN journey j ON j.id = m.journey_id LEFT JOIN tracking t ON t.account_id = m.account_id";

    public static ReportedMessage Read(Row row) => new(
        row.Uuid(0), row.Int(1), row.Long(2), row.Text(3), !row.IsNull(4), row.TextOrNull(5), row.TextOrNull(6), row.Text(7), (MessageStream)row.Int(8), row.TextOrNull(9),
        (MessageState)row.Int(10), row.Int(11), row.TextOrNull(12), row.TextOrNull(13), row.TextOrNull(14), row.Long(15), row.TextOrNull(16),
        MailTracking.IsRefusal(row.TextOrNull(17), !row.IsNull(18) && row.Bool(18)));
}
