using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>
/// One batch of a shard or some, in one transaction: claim, load, advance in rounds, write. A round takes the next stimulus of each
/// contact and runs it to quiescence, set-based across the contacts; so a contact's own order holds and neither batching
/// nor the number of workers changes the result.
/// </summary>
/// <param name="session">The transaction; it holds the shards' locks.</param>
/// <param name="view">The journeys as of it.</param>
/// <param name="catalog">Loads the versions that are still wanting.</param>
/// <param name="services">What it calls on.</param>
/// <param name="countShard">The shard among whose counters it counts: any whose lock it holds.</param>
/// <param name="known">What this node was known not to be able to read when it was claimed.</param>
/// <param name="now">The database's clock behind what was claimed.</param>
internal sealed partial class Batch(Session session, CatalogView view, Catalog catalog, BatchServices services, Unreadable known, int countShard, long now)
{
    /// <summary>The most stimuli of one contact in a batch: one busy contact must not hold up the others.</summary>
    public const int MostPerContact = 32;

    private readonly Dictionary<Guid, Instance> _instances = [];
    private readonly Dictionary<long, List<Instance>> _byContact = [];
    private readonly Dictionary<Guid, InstanceRow> _unread = [];
    private readonly List<InboxItem> _posts = [];
    private readonly List<long> _consumed = [];
    private readonly List<HistoryRow> _before = [];
    private readonly List<Guid> _dropped = [];
    private readonly List<JobRow> _jobs = [];
    private readonly Dictionary<(int Journey, long Contact), EntryRow> _entries = [];
    private readonly List<(Guid Instance, int Journey, long Contact)> _incidents = [];
    private readonly List<(Guid Id, string Reason)> _ended = [];

    public DateTimeOffset Now { get; } = DateTimeOffset.FromUnixTimeMilliseconds(now);

    public long NowMs => now;

    public EventCounts Counts { get; } = new();

    /// <summary>How many activities it ran.</summary>
    public int Transitions { get; private set; }

    /// <summary>How many steps became incidents.</summary>
    public int Incidents { get; private set; }

    /// <summary>Whether mail, jobs or commands may have been planned: wakes those who do them.</summary>
    public bool HasEffects { get; private set; }

    /// <summary>Whether a contact had more stimuli than one batch takes.</summary>
    public bool HasLeftOvers { get; private set; }

    /// <summary>How many of those that fell due are left as they are: without a contact, or a definition that this node can read.</summary>
    public int LeftAlone { get; private set; }

    /// <summary>The shards of whose contacts an activity took its time.</summary>
    public HashSet<int> Slow { get; } = [];

    /// <summary>Whether a journey lets contacts in.</summary>
    public bool IsPublished(int account, string definitionId) => view.Published(account, definitionId) is not null;

    /// <summary>Posts a command, in this batch's transaction.</summary>
    public void Post(InboxItem item) => _posts.Add(item);

    /// <summary>Does all that was claimed.</summary>
    public async Task RunAsync(Claim claim, CancellationToken ct)
    {
        await ResumeJourneysAsync(claim, ct);
        foreach (var row in claim.Inbox.Where(row => row.Kind == InboxKind.ForWaiting)) await PostForWaitingAsync(row, ct);
        var rows = claim.Inbox.FindAll(row => !row.IsOfJourney);
        await FindContactsAsync(rows, ct);
        var stimuli = await LoadAsync(rows, claim, ct);
        services.Faults.Reach("batch.loaded");

        var queues = stimuli.GroupBy(stimulus => stimulus.Contact.Id).OrderBy(group => group.Key)
            .Select(group => new Queue<Stimulus>(group.OrderBy(s => s.At).ThenBy(s => s.Token is null ? 1 : 0).ThenBy(s => s.Sequence).Take(MostPerContact))).ToList();
        HasLeftOvers |= queues.Sum(queue => queue.Count) < stimuli.Count;
        while (queues.Count > 0)
        {
            await RunRoundAsync(queues.ConvertAll(queue => queue.Dequeue()), ct);
            queues.RemoveAll(queue => queue.Count == 0);
        }
        await WriteAsync(ct);
    }

    private async Task ResumeJourneysAsync(Claim claim, CancellationToken ct)
    {
        var left = 5_000;
        foreach (var row in claim.Inbox.Where(row => row.Kind == InboxKind.ResumeJourney))
        {
            var journey = (int)(long)row.Values["journey"]!;
            // Paused again meanwhile: nothing to restore; the next resume posts its own command.
            var restored = view.IsPaused(journey) ? 0 : await InstanceStore.UnparkAsync(session, row.Shard, journey, left, ct);
            if (restored < left) _consumed.Add(row.Id);
            else HasLeftOvers = true;
            left -= restored;
            HasEffects = true;
        }
    }

    private async Task FindContactsAsync(List<InboxRow> rows, CancellationToken ct)
    {
        var users = rows.Where(row => row.UserId is not null).Select(row => (row.AccountId, UserId: row.UserId!)).Distinct()
            .OrderBy(user => user.AccountId).ThenBy(user => user.UserId, StringComparer.Ordinal).ToList();
        var contacts = await services.Contacts.FindOrCreateAsync(session, users, now, ct);
        var byUser = users.Zip(contacts).ToDictionary(pair => pair.First, pair => pair.Second);
        foreach (var row in rows)
            if (row.UserId is not null) row.Contact = byUser[(row.AccountId, row.UserId)];
    }

    private async Task<List<Stimulus>> LoadAsync(List<InboxRow> rows, Claim claim, CancellationToken ct)
    {
        var contacts = rows.Select(row => row.Contact!).DistinctBy(contact => contact.Id).ToDictionary(contact => contact.Id);
        var concerned = rows.Where(row => row.ConcernsContact).Select(row => row.Contact!.Id).Distinct().Order().ToList();
        var loaded = claim.Due.ToDictionary(row => row.Id);
        foreach (var row in await InstanceStore.OfContactsAsync(session, concerned, ct)) loaded[row.Id] = row;
        var named = rows.Select(row => row.InstanceId).OfType<Guid>().Where(id => !loaded.ContainsKey(id)).Distinct().Order().ToList();
        foreach (var row in await InstanceStore.WithIdsAsync(session, named, ct)) loaded[row.Id] = row;

        var targets = rows.Where(row => row.Kind == InboxKind.Move).Select(row => (long)row.Values["version"]!);
        await catalog.LoadAsync(session, loaded.Values.Select(row => row.VersionId).Concat(targets), ct);
        if (catalog.Unreadable.Versions.Count > known.Versions.Count) throw new UnreadableException();
        var missing = loaded.Values.Select(row => row.ContactId).Where(id => !contacts.ContainsKey(id)).Distinct().Order().ToList();
        foreach (var contact in await services.Contacts.LoadAsync(session, missing, ct)) contacts[contact.Id] = contact;

        var stimuli = new List<Stimulus>();
        foreach (var row in loaded.Values)
        {
            if (view.Version(row.VersionId) is not { } version || !contacts.TryGetValue(row.ContactId, out var contact))
            {
                _unread[row.Id] = row;
                continue;
            }
            var instance = Add(Instance.Load(row, version, contact));
            AddTimers(stimuli, instance, row, claim.HorizonOf(new Place(row.Shard, row.AccountId)));
        }
        LeftAlone = claim.Due.Count(row => _unread.ContainsKey(row.Id));
        foreach (var row in rows) stimuli.Add(new Stimulus(row.AcceptedAt, row.Id, row.Contact!, row, null, null));
        return stimuli;
    }

    /// <summary>
    /// The waits of an instance that are over by now, each at its own instant. Taken from every instance loaded, not only from those claimed as due:
    /// a time-out of a contact that also has an event must run in its place before or after it. None from beyond the claim's horizon: an
    /// event that was not claimed may come before it.
    /// </summary>
    private void AddTimers(List<Stimulus> stimuli, Instance instance, InstanceRow row, long horizon)
    {
        if (row.Status != InstanceStatus.Running || (row.DueAt ?? row.ParkedAt) is not { } at || at > horizon) return;
        if (view.IsPaused(row.JourneyId))
        {
            instance.IsTouched |= row.DueAt is not null; // parks it
            return;
        }
        foreach (var token in instance.State.Tokens)
        {
            if (token.Phase == TokenPhase.Waiting && token.Wake <= horizon) stimuli.Add(new Stimulus(token.Wake.Value, 0, instance.Contact, null, instance, token));
            else if (token.Phase == TokenPhase.Ready) stimuli.Add(new Stimulus(at, 0, instance.Contact, null, instance, token));
        }
        instance.IsTouched = true;
    }

    private Instance Add(Instance instance)
    {
        _instances[instance.Id] = instance;
        if (!_byContact.TryGetValue(instance.Contact.Id, out var list)) _byContact[instance.Contact.Id] = list = [];
        list.Add(instance);
        return instance;
    }

    private IEnumerable<Instance> RunningOf(Contact contact) =>
        _byContact.TryGetValue(contact.Id, out var list) ? list.Where(instance => instance.Status == InstanceStatus.Running).OrderBy(instance => instance.Id) : [];
}

/// <summary>What a batch calls on.</summary>
internal sealed record BatchServices(
    IServiceProvider Scope, IContactStore Contacts, IReadOnlyList<IInstanceEnded> Ended, IFaultPoints Faults, KnownFailures Known);
