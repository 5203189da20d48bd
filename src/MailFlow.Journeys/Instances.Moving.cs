using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>Contacts go over to another version of their journey, or leave it, all together.</summary>
public sealed partial class Instances
{
    /// <summary>
    /// Takes an instance over to another version of its journey, within moments. It keeps its place where the other version has the same activities (by id and type):
    /// waits keep their instants unless their inputs were changed. Where it cannot, it stays, and its journal says why.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="id">The instance.</param>
    /// <param name="version">The version; null for the published one, or with an activity for the one it is on.</param>
    /// <param name="activityId">Where it goes on, leaving all that it stands at, an incident too; null: where it is.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such instance, or no such version of its journey.</exception>
    /// <exception cref="ConflictException">It has ended, was only just asked for, is on that version already, or the version was never published.</exception>
    /// <exception cref="InvalidInputException">The version has no such activity.</exception>
    public async Task MoveAsync(int accountId, Guid id, int? version, string? activityId, CancellationToken ct)
    {
        var user = await _database.WriteAsync(async session =>
        {
            var found = await session.QueryAsync("""
                SELECT c.user_id, i.status, i.journey_id, i.version_id, j.published_version_id FROM instance i JOIN contact c ON c.id = i.contact_id JOIN journey j ON j.id = i.journey_id
                WHERE i.id = @id AND i.account_id = @account
                """,
                row => (User: row.Text(0), Status: (InstanceStatus)row.Int(1), Journey: row.Int(2), Version: row.Long(3), Published: row.LongOrNull(4)), ct, ("id", id), ("account", accountId));
            if (found is not [var instance])
                throw await PendingAsync(session, accountId, id, ct) is null ? new NotFoundException($"There is no instance {id}.") : new ConflictException("The instance has not begun yet.");
            if (instance.Status is not (InstanceStatus.Running or InstanceStatus.Faulted)) throw new ConflictException("The instance has ended.");
            var target = version is { } number ? await VersionAsync(session, instance.Journey, number, ct)
                : activityId is not null ? instance.Version
                : instance.Published ?? throw new ConflictException("The journey is not published: name the version to move to.");
            if (activityId is null && target == instance.Version) throw new ConflictException("The instance is on that version already.");
            if (activityId is not null && (await _graphs.LoadAsync(session, [target], ct)).GetValueOrDefault(target)?.Graph?.Find(activityId) is null)
                throw new InvalidInputException("activity_id", $"the version has no activity '{activityId}'");

            var key = StableHash.TimedKey(await session.NowAsync(ct), StableHash.Key(nameof(InboxKind.Move), id.ToString()));
            await Inbox.PostAsync(session, [InboxItem.For(accountId, instance.User, InboxKind.Move, key,
                new Dictionary<string, object?> { ["instance"] = id.ToString(), ["version"] = target, ["activity"] = activityId })], ct);
            await Audit.RecordAsync(session, accountId, "instance.move", id.ToString(), ct, ("version", version), ("activity", activityId), ("user_id", instance.User));
            return instance.User;
        }, ct);
        _signal.Notify(StableHash.Shard(accountId, user));
    }

    /// <summary>Takes every unfinished instance of a journey over to one of its versions, as <see cref="MoveAsync"/> does without an activity; in the background, in chunks.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="toVersion">The version; it must have been published.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such journey or version.</exception>
    /// <exception cref="ConflictException">The version was never published.</exception>
    public async Task MoveWaitingAsync(int accountId, string definitionId, int toVersion, CancellationToken ct)
    {
        await _database.WriteAsync(async session =>
        {
            var journey = await JourneyAsync(session, accountId, definitionId, ct);
            var target = await VersionAsync(session, journey, toVersion, ct);
            await PostForWaitingAsync(session, accountId, journey, new() { ["version"] = target, ["except"] = target }, ct);
        }, ct);
        _signal.Notify(Enumerable.Range(0, StableHash.Shards));
    }

    /// <summary>Lets every unfinished instance of a journey exit; mail they have queued is called off. In the background, in chunks.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="reason">Why, in plain words, for the contacts' traces.</param>
    /// <param name="exceptVersion">A version whose instances stay, such as the one just published; null: nobody stays, those neither who enter while it runs.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such journey or version.</exception>
    /// <exception cref="ConflictException">The version was never published.</exception>
    public async Task ExitWaitingAsync(int accountId, string definitionId, string reason, int? exceptVersion, CancellationToken ct)
    {
        await _database.WriteAsync(async session =>
        {
            var journey = await JourneyAsync(session, accountId, definitionId, ct);
            long? except = exceptVersion is { } number ? await VersionAsync(session, journey, number, ct) : null;
            await PostForWaitingAsync(session, accountId, journey, new() { ["reason"] = reason, ["except"] = except }, ct);
        }, ct);
        _signal.Notify(Enumerable.Range(0, StableHash.Shards));
    }

    /// <summary>
    /// One command looks through all instances there are. And one to each shard for the newest: a worker that has not seen the publish yet may be letting a contact into the
    /// old version at this moment; its shard takes the command after that.
    /// </summary>
    private static async Task PostForWaitingAsync(Session session, int accountId, int journey, Dictionary<string, object?> body, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        var recent = StableHash.TimedKey(now - (long)TimeSpan.FromMinutes(15).TotalMilliseconds, Guid.Empty);
        InboxItem Command(int shard, Guid after, bool own) => new(
            accountId, shard, InboxKind.ForWaiting, StableHash.TimedKey(now, StableHash.Key("waiting", journey.ToString(), shard.ToString(), own.ToString())), null,
            JsonData.Write(new Dictionary<string, object?>(body) { ["journey"] = (long)journey, ["after"] = after.ToString(), ["own"] = own }));
        await Inbox.PostAsync(session, [
            Command(journey % StableHash.Shards, Guid.Empty, own: false),
            .. Enumerable.Range(0, StableHash.Shards).Select(shard => Command(shard, recent, own: true)),
        ], ct);
    }

    private static async Task<int> JourneyAsync(Session session, int accountId, string definitionId, CancellationToken ct)
    {
        var found = await session.QueryAsync("SELECT id FROM journey WHERE account_id = @account AND definition_id = @definition",
            row => row.Int(0), ct, ("account", accountId), ("definition", definitionId));
        return found is [var journey] ? journey : throw new NotFoundException($"There is no journey '{definitionId}'.");
    }

    /// <summary>The dense key of a version. A draft may still change, and an instance is pinned to what does not.</summary>
    private static async Task<long> VersionAsync(Session session, int journey, int version, CancellationToken ct)
    {
        var found = await session.QueryAsync("SELECT id, published_at IS NOT NULL FROM definition_version WHERE journey_id = @journey AND version = @version",
            row => (Id: row.Long(0), WasPublished: row.Bool(1)), ct, ("journey", journey), ("version", version));
        if (found is not [var one]) throw new NotFoundException($"The journey has no version {version}.");
        return one.WasPublished ? one.Id : throw new ConflictException($"Version {version} was never published.");
    }
}
