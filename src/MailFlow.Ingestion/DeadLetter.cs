using System.Globalization;
using MailFlow.Journeys;

namespace MailFlow.Ingestion;

/// <summary>A message that cannot be taken, and why.</summary>
internal sealed record DeadLetter(EventMessage Message, EventProblem Problem, DateTimeOffset At)
{
    private const int LongestText = 1_000;

    /// <summary>What its reader is told: the reason, and where the message was. All of it is short, whatever the message holds: headers have to fit into a frame of AMQP.</summary>
    public IEnumerable<(string Name, string Value)> Headers =>
    [
        ("mailflow-field", Cut(Problem.Field)),
        ("mailflow-reason", Cut(Problem.Reason)),
        ("mailflow-at", At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
        .. Message.Origin.Headers,
    ];

    private static string Cut(string text) => text.Length <= LongestText ? text : text[..LongestText] + "…";
}

/// <summary>Where the transport at hand puts dead letters.</summary>
internal interface IDeadLetterQueue
{
    /// <summary>Puts them there. When it returns the broker has them for certain.</summary>
    Task SendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken ct);
}
