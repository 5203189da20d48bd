using System.Globalization;
using Npgsql;

namespace MailFlow.Data;

/// <summary>
/// Carries signals between the nodes of one PostgreSQL by NOTIFY, so that work which one node accepts and another does need not wait for a poll. Only hints: what is lost costs
/// the time until the next poll. What is raised within a few milliseconds goes as one NOTIFY, in no transaction of anybody's: NOTIFY takes a lock on the whole database at its commit.
/// </summary>
public sealed class NodeHints
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(10), AfterFailure = TimeSpan.FromSeconds(1);

    private readonly Database _database;
    private readonly string _channel;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ulong> _pending = [];
    private TaskCompletionSource _raised = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>For this database; the channel's name carries a hash of the schema, because channels are database-wide.</summary>
    public NodeHints(Database database) => (_database, _channel) = (database, $"mailflow_{StableHash.Of(database.Schema):x16}");

    /// <summary>To be told to the other nodes soon. Cheap, never blocks.</summary>
    public void Send(string topic, ulong which)
    {
        lock (_lock)
        {
            _pending[topic] = _pending.GetValueOrDefault(topic) | which;
            _raised.TrySetResult();
        }
    }

    /// <summary>Tells what is sent, until stopped. <paramref name="failed"/> is told of what was lost.</summary>
    public async Task TellAsync(Action<Exception> failed, CancellationToken stopping)
    {
        await UntilStoppedAsync(async () =>
        {
            await _raised.Task.WaitAsync(stopping);
            var payload = TakePending();
            await _database.ReadAsync(session => session.ExecuteAsync("SELECT pg_notify(@channel, @payload)", stopping, ("channel", _channel), ("payload", payload)), stopping);
            await Task.Delay(Between, _database.Time, stopping);
        }, failed, stopping);
    }

    /// <summary>Hears what other nodes tell, on a connection of its own, until stopped.</summary>
    /// <param name="signals">What is heard; other topics are passed over.</param>
    /// <param name="listening">Told each time the connection stands.</param>
    /// <param name="failed">Told when it breaks; it is made anew.</param>
    /// <param name="stopping">Ends it.</param>
    public Task HearAsync(IReadOnlyCollection<INodeSignal> signals, Action listening, Action<Exception> failed, CancellationToken stopping) => UntilStoppedAsync(async () =>
    {
        await using var connection = (NpgsqlConnection)await _database.OpenConnectionAsync(stopping);
        connection.Notification += (_, told) => Hear(signals, told.Payload);
        await using (var listen = new NpgsqlCommand($"LISTEN {_channel}", connection)) await listen.ExecuteNonQueryAsync(stopping);
        listening();
        while (true) await connection.WaitAsync(stopping);
    }, failed, stopping);

    /// <summary>As it goes over the wire: "work:a1 effects:1", the bits in hexadecimal.</summary>
    private string TakePending()
    {
        lock (_lock)
        {
            var payload = string.Join(' ', _pending.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key}:{pair.Value:x}")));
            _pending.Clear();
            _raised = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return payload;
        }
    }

    /// <summary>Of a newer node, a payload may hold what this one does not know.</summary>
    private static void Hear(IReadOnlyCollection<INodeSignal> signals, string payload)
    {
        foreach (var part in payload.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (part.Split(':') is [var topic, var bits] && ulong.TryParse(bits, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var which))
                foreach (var signal in signals)
                    if (signal.Topic == topic) signal.Hear(which);
    }

    private async Task UntilStoppedAsync(Func<Task> run, Action<Exception> failed, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await run();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                failed(error);
                await Task.Delay(AfterFailure, _database.Time, stopping).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }
}
