using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace MailFlow.Journeys.Scheduling;

/// <summary>
/// What happens at a schedule's time: it is written down once (a command keyed by trigger and time, whoever's clock strikes), and its audience, as it is then, is let into the journey
/// in chunks. The id of each instance follows from trigger, time and contact, so that doing it again changes nothing.
/// </summary>
internal sealed partial class ScheduleFires(Database database, Segments segments, WorkSignal signal, ILogger<ScheduleFires> log)
{
    private const int Chunk = 1_000;

    /// <summary>How many entries may wait in the inbox before the rest of an audience has to wait: other accounts' events go between them.</summary>
    private const int MostWaiting = 20_000;

    /// <summary>Writes a time down. False: somebody had already.</summary>
    public Task<bool> FireAsync(PublishedSchedule schedule, DateTimeOffset at, CancellationToken ct) => database.WriteAsync(async session => await session.ExecuteAsync("""
        INSERT INTO schedule_fire (account_id, journey_id, activity_id, fire_at, audience) VALUES (@account, @journey, @activity, @at, @audience)
        ON CONFLICT (journey_id, activity_id, fire_at) DO NOTHING
        """, ct, ("account", schedule.AccountId), ("journey", schedule.JourneyId), ("activity", schedule.ActivityId), ("at", at), ("audience", schedule.Audience)) > 0, ct);

    /// <summary>The last time written down of each trigger, by journey and activity.</summary>
    public static async Task<Dictionary<(int JourneyId, string ActivityId), DateTimeOffset>> LastAsync(Session session, CancellationToken ct) => (await session.QueryAsync(
        "SELECT journey_id, activity_id, max(fire_at) FROM schedule_fire GROUP BY journey_id, activity_id",
        row => (Key: (row.Int(0), row.Text(1)), At: row.Instant(2)), ct)).ToDictionary(each => each.Key, each => each.At);

    /// <summary>Lets in a chunk of an audience that waits. False: none does, or the inbox is full for now.</summary>
    public async Task<bool> LetInAsync(CancellationToken ct)
    {
        var shards = new HashSet<int>();
        var worked = await database.WriteAsync(async session =>
        {
            shards.Clear();
            var fire = await session.FirstAsync($"""
                SELECT f.account_id, f.journey_id, f.activity_id, f.fire_at, f.audience, f.after_contact, j.definition_id, j.published_version_id IS NOT NULL
                FROM schedule_fire f JOIN journey j ON j.id = f.journey_id WHERE f.done_at IS NULL ORDER BY f.fire_at LIMIT 1 {(session.Dialect.IsPostgreSql ? "FOR UPDATE OF f SKIP LOCKED" : "")}
                """, row => new Open(row.Int(0), row.Int(1), row.Text(2), row.Long(3), row.Text(4), row.Long(5), row.Text(6), row.Bool(7)), ct);
            if (fire is null) return false;
            if (await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM inbox LIMIT @most) AS waiting", ct, ("most", MostWaiting)) >= MostWaiting) return false;
            var members = fire.IsPublished ? await segments.MembersAsync(session, fire.AccountId, fire.Audience, fire.After, Chunk, ct) : [];
            if (members is null) LogNoSegment(fire.DefinitionId, fire.Audience);
            await LetInAsync(session, fire, members ?? [], shards, ct);
            return true;
        }, ct);
        signal.Notify(shards);
        return worked;
    }

    private static async Task LetInAsync(Session session, Open fire, IReadOnlyList<(long Id, string UserId)> members, HashSet<int> shards, CancellationToken ct)
    {
        var input = new Dictionary<string, object?> { ["scheduled_at"] = DateTimeOffset.FromUnixTimeMilliseconds(fire.At).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture) };
        var items = members.Select(member => InboxItem.StartInstance(
            fire.AccountId, member.UserId, StableHash.TimedKey(fire.At, StableHash.Key("schedule", $"{fire.JourneyId}", fire.ActivityId, $"{fire.At}", $"{member.Id}")),
            fire.DefinitionId, input, underEntryRule: true, fire.ActivityId)).ToList();
        await Inbox.PostAsync(session, items, ct);
        shards.UnionWith(items.Select(item => item.Shard));
        await session.ExecuteAsync("""
            UPDATE schedule_fire SET after_contact = @after, entered = entered + @count, done_at = @done WHERE journey_id = @journey AND activity_id = @activity AND fire_at = @at
            """, ct, ("after", members.Count > 0 ? members[^1].Id : fire.After), ("count", members.Count), ("done", members.Count < Chunk ? await session.NowAsync(ct) : null),
            ("journey", fire.JourneyId), ("activity", fire.ActivityId), ("at", fire.At));
    }

    private sealed record Open(int AccountId, int JourneyId, string ActivityId, long At, string Audience, long After, string DefinitionId, bool IsPublished);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Journey {DefinitionId} was to start for the segment '{Segment}', which has been removed: nobody enters")]
    private partial void LogNoSegment(string definitionId, string segment);
}
