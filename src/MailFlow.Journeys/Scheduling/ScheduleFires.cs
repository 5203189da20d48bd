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

    /// <summary>How many of an account's entries may wait in the inbox before the rest of its audiences has to wait: its events go between them. Other accounts' are worked beside it.</summary>
    private const int MostWaiting = 20_000;

    private readonly Dictionary<(int, string, long), (int Failures, long At)> _failing = [];

    /// <summary>How long what is done stays written down. A time of longer ago is not made up for: it may have been, and forgotten.</summary>
    public static TimeSpan Kept { get; } = TimeSpan.FromDays(400);

    /// <summary>Writes a time down. False: somebody had already, or the schedule is no longer what was published.</summary>
    public Task<bool> FireAsync(PublishedSchedule schedule, DateTimeOffset at, CancellationToken ct) => database.WriteAsync(session => FireAsync(session, schedule, at, ct), ct);

    /// <summary>Only while what it was read from is published: a node that stood still in between would let in whom nobody expects any more.</summary>
    private static async Task<bool> FireAsync(Session session, PublishedSchedule schedule, DateTimeOffset at, CancellationToken ct) => await session.ExecuteAsync($"""
        INSERT INTO schedule_fire (account_id, journey_id, activity_id, fire_at, audience)
        SELECT j.account_id, j.id, @activity, @at, @audience FROM journey j JOIN definition_version v ON v.id = j.published_version_id
        WHERE j.id = @journey AND {PublishedSchedules.Since} = @since{(session.Dialect.IsPostgreSql ? " FOR SHARE OF j" : "")}
        ON CONFLICT (journey_id, activity_id, fire_at) DO NOTHING
        """, ct, ("journey", schedule.JourneyId), ("activity", schedule.ActivityId), ("at", at), ("audience", schedule.Audience), ("since", schedule.PublishedAt)) > 0;

    /// <summary>Writes down what these schedules had missed up to now, before they are published anew: what counts from the new publish on would know nothing of it.</summary>
    public static async Task FireMissedAsync(Session session, IEnumerable<PublishedSchedule> schedules, DateTimeOffset now, CancellationToken ct)
    {
        var missed = (from schedule in schedules let at = schedule.MissedUpTo(now) where at is not null select (schedule, at.Value)).ToList();
        foreach (var (schedule, at) in await UnwrittenAsync(session, missed, ct)) await FireAsync(session, schedule, at, ct);
    }

    /// <summary>Those times of which neither is written down, nor a later one of the same trigger.</summary>
    public Task<IReadOnlyList<(PublishedSchedule Schedule, DateTimeOffset At)>> UnwrittenAsync(IReadOnlyList<(PublishedSchedule Schedule, DateTimeOffset At)> times, CancellationToken ct) =>
        database.ReadAsync(session => UnwrittenAsync(session, times, ct), ct);

    private static async Task<IReadOnlyList<(PublishedSchedule Schedule, DateTimeOffset At)>> UnwrittenAsync(
        Session session, IReadOnlyList<(PublishedSchedule Schedule, DateTimeOffset At)> times, CancellationToken ct)
    {
        var unwritten = (await session.QueryAsync(
            "SELECT r.place FROM {rows} WHERE NOT EXISTS (SELECT 1 FROM schedule_fire f WHERE f.journey_id = r.journey AND f.activity_id = r.activity AND f.fire_at >= r.at)",
            new Rows<int>([.. Enumerable.Range(0, times.Count)]).Int("place", i => i).Int("journey", i => times[i].Schedule.JourneyId).Text("activity", i => times[i].Schedule.ActivityId)
                .Long("at", i => times[i].At.ToUnixTimeMilliseconds()), row => row.Int(0), ct)).ToHashSet();
        return [.. times.Where((_, i) => unwritten.Contains(i))];
    }

    /// <summary>
    /// Lets in a chunk of each audience that waits: none waits for another's end. Those that failed come last and one at a look, so that a segment that takes too long costs the others a
    /// look's time and no more. False: none is left, or what is left waits for its account's inbox or for its next try.
    /// </summary>
    public async Task<bool> LetInAsync(CancellationToken ct)
    {
        var open = await database.ReadAsync(session => OpenAsync(session, ct), ct);
        foreach (var gone in _failing.Keys.Except(open.Select(fire => fire.Key)).ToList()) _failing.Remove(gone);
        var again = open.Where(fire => _failing.TryGetValue(fire.Key, out var failure) && database.Time.GetElapsedTime(failure.At) >= PauseAfter(failure.Failures)).MinBy(fire => _failing[fire.Key].At);
        var worked = false;
        var full = new Dictionary<int, bool>();
        foreach (var fire in open.Where(fire => !_failing.ContainsKey(fire.Key)).Concat(again is null ? [] : [again]))
        {
            try
            {
                if (!full.TryGetValue(fire.AccountId, out var isFull))
                    full[fire.AccountId] = isFull = await database.ReadAsync(session => Inbox.IsLongerThanAsync(session, fire.AccountId, MostWaiting - 1, ct), ct);
                if (isFull) continue;
                worked |= await LetInAsync(fire, ct);
                _failing.Remove(fire.Key);
            }
            catch (Exception error) when (!ct.IsCancellationRequested)
            {
                var failures = _failing.GetValueOrDefault(fire.Key).Failures + 1;
                if (failures == 1) LogFailing(fire.DefinitionId, fire.Audience, error);
                _failing[fire.Key] = (failures, database.Time.GetTimestamp());
            }
        }
        return worked;
    }

    /// <summary>Longer than a lane's: what fails may take half a minute to do so, and the others are let in between.</summary>
    private static TimeSpan PauseAfter(int failures) => TimeSpan.FromSeconds(Math.Min(60, 1 << Math.Min(failures - 1, 6)));

    /// <summary>The oldest of each trigger: who fills up with times that fail does not hide the others'.</summary>
    private static Task<List<Open>> OpenAsync(Session session, CancellationToken ct) => session.QueryAsync("""
        SELECT f.account_id, f.journey_id, f.activity_id, f.fire_at, f.audience, f.after_contact, j.definition_id, j.published_version_id IS NOT NULL
        FROM (SELECT journey_id, activity_id, min(fire_at) AS fire_at FROM schedule_fire WHERE done_at IS NULL GROUP BY journey_id, activity_id) o
        JOIN schedule_fire f ON f.journey_id = o.journey_id AND f.activity_id = o.activity_id AND f.fire_at = o.fire_at
        JOIN journey j ON j.id = f.journey_id ORDER BY f.fire_at
        """, row => new Open(row.Int(0), row.Int(1), row.Text(2), row.Long(3), row.Text(4), row.Long(5), row.Text(6), row.Bool(7)), ct);

    /// <summary>The members are looked for outside the transaction, which is short whatever their segment asks for.</summary>
    private async Task<bool> LetInAsync(Open fire, CancellationToken ct)
    {
        var members = fire.IsPublished ? await database.ReadAsync(session => segments.MembersAsync(session, fire.AccountId, fire.Audience, fire.After, Chunk, ct), ct) : [];
        if (members is null) LogNoSegment(fire.DefinitionId, fire.Audience);
        var shards = new HashSet<int>();
        var worked = await database.WriteAsync(session =>
        {
            shards.Clear();
            return LetInAsync(session, fire, members ?? [], shards, ct);
        }, ct);
        if (worked) signal.Notify(shards);
        return worked;
    }

    /// <summary>False: another node has let them in, or the journey has been deleted.</summary>
    private static async Task<bool> LetInAsync(Session session, Open fire, IReadOnlyList<(long Id, string UserId)> members, HashSet<int> shards, CancellationToken ct)
    {
        var moved = await session.ExecuteAsync("""
            UPDATE schedule_fire SET after_contact = @after, entered = entered + @count, done_at = @done
            WHERE journey_id = @journey AND activity_id = @activity AND fire_at = @at AND after_contact = @before AND done_at IS NULL
            """, ct, ("after", members.Count > 0 ? members[^1].Id : fire.After), ("count", members.Count), ("done", members.Count < Chunk ? await session.NowAsync(ct) : null),
            ("journey", fire.JourneyId), ("activity", fire.ActivityId), ("at", fire.At), ("before", fire.After));
        if (moved == 0) return false;
        var input = new Dictionary<string, object?> { ["scheduled_at"] = DateTimeOffset.FromUnixTimeMilliseconds(fire.At).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture) };
        var items = members.Select(member => InboxItem.StartInstance(
            fire.AccountId, member.UserId, StableHash.TimedKey(fire.At, StableHash.Key("schedule", $"{fire.JourneyId}", fire.ActivityId, $"{fire.At}", $"{member.Id}")),
            fire.DefinitionId, input, underEntryRule: true, fire.ActivityId)).ToList();
        await Inbox.PostAsync(session, items, ct);
        shards.UnionWith(items.Select(item => item.Shard));
        return true;
    }

    private sealed record Open(int AccountId, int JourneyId, string ActivityId, long At, string Audience, long After, string DefinitionId, bool IsPublished)
    {
        public (int, string, long) Key => (JourneyId, ActivityId, At);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Journey {DefinitionId} was to start for the segment '{Segment}', which has been removed: nobody enters")]
    private partial void LogNoSegment(string definitionId, string segment);

    [LoggerMessage(Level = LogLevel.Error, Message = "Nobody of the segment '{Segment}' can be let into journey {DefinitionId}, and the others are; tried again, at least once a minute, until it can be done")]
    private partial void LogFailing(string definitionId, string segment, Exception error);
}
