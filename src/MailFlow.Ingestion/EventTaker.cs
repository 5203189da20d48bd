using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Ingestion;

/// <summary>
/// Takes a batch of messages in: the good in one transaction, the others to the dead letters with the reason. A message is done with when this returns; until then nothing
/// of it is acknowledged, and what fails, the database or the broker, is tried again for as long as it takes.
/// </summary>
internal sealed partial class EventTaker : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250), LongestPause = TimeSpan.FromSeconds(10), LastMoments = TimeSpan.FromSeconds(5);

    private readonly EventIntake _intake;
    private readonly IDeadLetterQueue _deadLetters;
    private readonly IngestionOptions _options;
    private readonly IngestionMeter _meter;
    private readonly Database _database;
    private readonly ILogger<EventTaker> _log;
    private readonly CancellationToken _stopping;
    private readonly CancellationTokenSource _stopped;

    public EventTaker(
        EventIntake intake, IDeadLetterQueue deadLetters, IngestionOptions options, IngestionMeter meter, Database database, IHostApplicationLifetime lifetime, ILogger<EventTaker> log)
    {
        (_intake, _deadLetters, _options, _meter, _database, _log) = (intake, deadLetters, options, meter, database, log);
        _stopping = lifetime.ApplicationStopping;
        _stopped = new CancellationTokenSource(Timeout.InfiniteTimeSpan, database.Time);
        _stopping.Register(() => _stopped.CancelAfter(LastMoments)); // a batch in hand is finished, if the database answers
    }

    /// <summary>Takes them in, in this order.</summary>
    /// <exception cref="OperationCanceledException">The node stops or the broker has taken the messages back: they will come again.</exception>
    public async Task TakeAsync(IReadOnlyList<EventMessage> messages, CancellationToken ct)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token, ct);
        var now = _database.Time.GetUtcNow();
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

        var (accepted, duplicates) = (0, 0);
        if (good.Count > 0)
        {
            var result = await UntilDoneAsync("The database", () => _intake.AcceptAsync(_options.AccountId, good, both.Token), both.Token);
            dead.AddRange(result.Rejected.Select(refused => new DeadLetter(messages[places[refused.Index]], EventProblem.Of(refused.Reason), now)));
            (accepted, duplicates) = (result.Accepted, result.Duplicates.Count);
        }
        if (dead.Count > 0)
        {
            await UntilDoneAsync("The dead letters", async () => { await _deadLetters.SendAsync(dead, both.Token); return true; }, both.Token);
            LaidAside(dead.Count);
        }
        _meter.Taken(accepted, duplicates, dead.Count);
    }

    /// <inheritdoc/>
    public void Dispose() => _stopped.Dispose();

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
            catch (Exception error) when (!ct.IsCancellationRequested)
            {
                pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(failures, 10)));
                Away(what, pause.TotalSeconds, error);
            }
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct, _stopping);
            using (_meter.Wait()) await Task.Delay(pause, _database.Time, waiting.Token);
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "{Count} messages could not be taken; they are among the dead letters, each with its reason")]
    private partial void LaidAside(int count);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "The event inbox is full; the broker's messages wait, next try in {Pause}")]
    private partial void Full(TimeSpan pause);

    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "{What} cannot be reached; the broker's messages wait, next try in {Seconds} s")]
    private partial void Away(string what, double seconds, Exception error);
}
