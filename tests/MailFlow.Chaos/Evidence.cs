using MailFlow.Chaos.Esp;
using MailFlow.Delivery;
using Npgsql;

namespace MailFlow.Chaos;

/// <summary>A row of the ledger: a planned mail.</summary>
public sealed record LedgerRow(Guid Key, string User, string Template, MessageState State, long QueuedAt, string? Reason);

/// <summary>A journey's numbers, as the API gives them.</summary>
public sealed record JourneyNumbers(long Entered, long Waiting, long Completed, long Exited, long Faulted);

/// <summary>What is left of a run: what was sent in, what MailFlow has written down, and what the stub has taken.</summary>
public sealed record Evidence
{
    /// <summary>Who was sent in, and from when on, Unix milliseconds; each was confirmed by a node or a broker.</summary>
    public required IReadOnlyDictionary<string, long> SentAt { get; init; }

    /// <summary>Who was sent in.</summary>
    public IEnumerable<string> Users => SentAt.Keys;

    /// <summary>How many instances each contact has.</summary>
    public required IReadOnlyDictionary<string, int> Instances { get; init; }

    /// <summary>The ledger.</summary>
    public required IReadOnlyList<LedgerRow> Ledger { get; init; }

    /// <summary>The stub's log.</summary>
    public required IReadOnlyList<TakenLine> Log { get; init; }

    /// <summary>The journey's numbers.</summary>
    public required JourneyNumbers Numbers { get; init; }

    /// <summary>What was laid aside by the engine, or could not be taken in: nothing should have been.</summary>
    public required IReadOnlyList<string> LaidAside { get; init; }

    /// <summary>Stimuli that wait in the inbox.</summary>
    public required long Inbox { get; init; }

    /// <summary>Mails that the provider is known to have delivered.</summary>
    public required IReadOnlySet<Guid> Delivered { get; init; }

    /// <summary>The instances' shards that two workers had at the same time, by what they left behind.</summary>
    public required IReadOnlyList<string> Conflicts { get; init; }

    /// <summary>Reads the database.</summary>
    internal static async Task<Evidence> ReadAsync(string connectionString, IReadOnlyDictionary<string, long> sentAt, IReadOnlyList<TakenLine> log, JourneyNumbers numbers, IReadOnlyList<string> conflicts)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        return new Evidence
        {
            SentAt = sentAt,
            Log = log,
            Numbers = numbers,
            Conflicts = conflicts,
            Instances = (await RowsAsync("SELECT c.user_id, count(*) FROM instance i JOIN contact c ON c.id = i.contact_id GROUP BY c.user_id", row => (row.GetString(0), (int)row.GetInt64(1)))).ToDictionary(),
            Ledger = await RowsAsync("SELECT id, user_id, template, state, queued_at, reason FROM message", row => new LedgerRow(
                row.GetGuid(0), row.GetString(1), row.GetString(2), (MessageState)row.GetInt16(3), row.GetInt64(4), row.IsDBNull(5) ? null : row.GetString(5))),
            LaidAside = [
                .. await RowsAsync("SELECT user_id, error FROM dead_letter", row => $"{(row.IsDBNull(0) ? "?" : row.GetString(0))}: {row.GetString(1)}"),
                .. await RowsAsync("SELECT connection, error FROM webhook_call WHERE error IS NOT NULL", row => $"a report by {row.GetString(0)}: {row.GetString(1)}"),
                .. await RowsAsync("SELECT node, reason FROM parked_node", row => $"node {row.GetInt32(0)} is parked: {row.GetString(1)}")],
            Inbox = (await RowsAsync("SELECT count(*) FROM inbox", row => row.GetInt64(0)))[0],
            Delivered = (await RowsAsync("SELECT message_id FROM message_feedback WHERE delivered_at IS NOT NULL", row => row.GetGuid(0))).ToHashSet(),
        };

        async Task<List<T>> RowsAsync<T>(string sql, Func<NpgsqlDataReader, T> read)
        {
            await using var command = database.CreateCommand(sql);
            await using var reader = await command.ExecuteReaderAsync();
            var rows = new List<T>();
            while (await reader.ReadAsync()) rows.Add(read(reader));
            return rows;
        }
    }
}
