using System.Globalization;
using MailFlow.Journeys;

namespace MailFlow.Ingestion;

/// <summary>A message that cannot be taken, and why.</summary>
internal sealed record DeadLetter(EventMessage Message, EventProblem Problem, DateTimeOffset At)
{
    private const int LongestReason = 1_000;

    /// <summary>What its reader is told: the reason, and where the message was.</summary>
    public IEnumerable<(string Name, string Value)> Headers =>
    [
        ("mailflow-field", Problem.Field),
        ("mailflow-reason", Problem.Reason.Length <= LongestReason ? Problem.Reason : Problem.Reason[..LongestReason] + "…"),
        ("mailflow-at", At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
        .. Message.Origin.Headers,
    ];
}

/// <summary>Where the transport at hand puts dead letters.</summary>
internal interface IDeadLetterQueue
{
    /// <summary>Puts them there. When it returns the broker has them for certain.</summary>
    Task SendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken ct);
}
