using System.Data.Common;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using Microsoft.Extensions.Logging;

namespace MailFlow.Ingestion;

/// <summary>
/// Takes a batch of messages in: the good in one transaction, the others to the dead letters with the reason. A message is done with when this returns; until then nothing
/// of it is acknowledged, and what fails, the database or the broker, is tried again for as long as it takes.
/// </summary>
internal sealed partial class EventTaker(EventIntake intake, IDeadLetterQueue deadLetters, IngestionOptions options, IngestionMeter meter, Database database, ILogger<EventTaker> log)
{
    /// <summary>Takes them in, in this order.</summary>
    /// <param name="messages">The batch.</param>
    /// <param name="ct">Ends the trying: the transport stops, and the messages will come again.</param>
    public async Task TakeAsync(IReadOnlyList<EventMessage> messages, CancellationToken ct)
    {
        var now = await UntilDoneAsync("The database", () => database.NowAsync(ct), ct);
        var good = new List<IncomingEvent>(messages.Count);
        var places = new List<int>(messages.Count);
        var dead = new List<DeadLetter>();
        for (var i = 0; i < messages.Count; i++)
        {
            if (Read(messages[i], now, out var problem) is { } incoming)
            {
                good.Add(incoming);
                places.Add(i);
            }
            else dead.Add(new DeadLetter(messages[i], problem!, now));
        }

        intake.Refused(dead.Count);
        var (accepted, duplicates) = (0, 0);
        if (good.Count > 0)
        {
            var result = await AcceptAsync(good, ct);
            dead.AddRange(result.Rejected.Select(refused => new DeadLetter(messages[places[refused.Index]], EventProblem.Of(refused.Reason), now)));
            (accepted, duplicates) = (result.Accepted, result.Duplicates.Count);
        }
        if (dead.Count > 0)
        {
            await UntilDoneAsync("The dead letters", async () => { await deadLetters.SendAsync(dead, ct); return true; }, ct);
            LaidAside(dead.Count);
        }
        meter.Taken(accepted, duplicates, dead.Count);
    }

    /// <summary>A message that the reader stumbles over is laid aside like any other that cannot be read: it must not stop those behind it.</summary>
    private static IncomingEvent? Read(EventMessage message, DateTimeOffset now, out EventProblem? problem)
    {
        try
        {
            return EventReader.Read(message.Body, now, message.Origin.SentAt, out problem);
        }
        catch (Exception error)
        {
            problem = new("event", $"cannot be read ({error.GetType().Name})");
            return null;
        }
    }

    /// <summary>An event that the database refuses for what it holds, though the reader let it pass, is found by halving: it must not keep all others waiting.</summary>
    private async Task<IntakeResult> AcceptAsync(List<IncomingEvent> events, CancellationToken ct)
    {
        try
        {
            return await UntilDoneAsync("The database", () => intake.AcceptAsync(options.AccountId, events, ct), ct);
        }
        catch (DbException refusal) when (IsRefusal(refusal))
        {
            if (events.Count == 1) return new(0, [], [(0, $"event: is refused by the database ({refusal.SqlState})")]);
            var half = events.Count / 2;
            var first = await AcceptAsync(events.GetRange(0, half), ct);
            var second = await AcceptAsync(events.GetRange(half, events.Count - half), ct);
            return new(first.Accepted + second.Accepted, [.. first.Duplicates, .. second.Duplicates.Select(index => index + half)],
                [.. first.Rejected, .. second.Rejected.Select(rejected => (rejected.Index + half, rejected.Reason))]);
        }
    }

    /// <summary>SQL's class 22: a value is at fault, and will be the next time too.</summary>
    private static bool IsRefusal(Exception error) => error is DbException { SqlState: ['2', '2', ..] };

    private async Task<T> UntilDoneAsync<T>(string what, Func<Task<T>> act, CancellationToken ct)
    {
        for (var failures = 0; ; failures++)
        {
            TimeSpan pause;
            try
            {
                return await act();
            }
            catch (IntakeFullException full)
            {
                Full(pause = full.RetryAfter);
            }
            catch (Exception error) when (!ct.IsCancellationRequested && !IsRefusal(error))
            {
                pause = Lane.PauseAfter(failures);
                Away(what, pause.TotalSeconds, error);
            }
            using (meter.Wait()) await Task.Delay(pause, database.Time, ct);
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "{Count} messages could not be taken; they are among the dead letters, each with its reason")]
    private partial void LaidAside(int count);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "The event inbox is full; the broker's messages wait, next try in {Pause}")]
    private partial void Full(TimeSpan pause);

    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "{What} cannot be reached; the broker's messages wait, next try in {Seconds} s")]
    private partial void Away(string what, double seconds, Exception error);
}
