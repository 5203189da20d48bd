using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>An instance while a batch has it in hand.</summary>
internal sealed class Instance
{
    private readonly int _ver;
    private readonly Dictionary<(int Node, CountKind Kind), int> _before;
    private readonly JourneyVersion _versionBefore;
    private readonly List<(JourneyVersion Version, int Node)> _passedBefore = [];

    /// <summary>By node: how often it was run by the stimulus in hand.</summary>
    private readonly Dictionary<int, int> _visitsNow = [];

    private Instance(Guid id, JourneyVersion version, Contact contact, InstanceState state, InstanceRow? row)
    {
        (Id, Version, _versionBefore, Contact, State) = (id, version, version, contact, state);
        IsNew = row is null;
        _ver = row?.Ver ?? 0;
        DueAt = row?.DueAt ?? row?.ParkedAt;
        StatusBefore = row?.Status;
        Status = row?.Status ?? InstanceStatus.Running;
        _before = IsNew ? [] : Standing();
    }

    public Guid Id { get; }

    /// <summary>The version it is pinned to.</summary>
    public JourneyVersion Version { get; private set; }

    public Graph Graph => Version.Graph;

    public Contact Contact { get; }

    public InstanceState State { get; }

    public bool IsNew { get; }

    /// <summary>When it was to be run, as the batch found it.</summary>
    public long? DueAt { get; }

    /// <summary>Something happened to it in this batch.</summary>
    public bool IsTouched { get; set; }

    public InstanceStatus Status { get; set; }

    /// <summary>How it stood when the batch found it; null when it began in this batch.</summary>
    public InstanceStatus? StatusBefore { get; }

    /// <summary>What happened to it in this batch, for its history.</summary>
    public List<HistoryStep> History { get; } = [];

    /// <summary>Since when it exists: the time in its id.</summary>
    public long EnteredAt => Convert.ToInt64(Id.ToString("N")[..12], 16);

    public static Instance Load(InstanceRow row, JourneyVersion version, Contact contact) =>
        new(row.Id, version, contact, StateCodec.Read(row.State, row.Format), row);

    public static Instance Begin(Guid id, JourneyVersion version, Contact contact, IReadOnlyDictionary<string, object?> trigger) =>
        new(id, version, contact, new InstanceState { Trigger = trigger, Event = trigger }, null) { IsTouched = true };

    /// <summary>The first token that is to run and is not held at its node. While the journey is paused, only one woken by an event or by a change of the contact.</summary>
    public Token? Runnable(bool paused, Func<Token, bool>? isHeld)
    {
        if (Status != InstanceStatus.Running) return null;
        foreach (var token in State.Tokens)
            if (token.Phase == TokenPhase.Ready && (!paused || token.Reason is WakeReason.Event or WakeReason.ContactChanged) && isHeld?.Invoke(token) != true) return token;
        return null;
    }

    /// <summary>Counts one more run of a node by the stimulus in hand; gives how many there were.</summary>
    public int VisitNow(int node) => _visitsNow[node] = _visitsNow.GetValueOrDefault(node) + 1;

    /// <summary>The next stimulus begins.</summary>
    public void BeginStimulus() => _visitsNow.Clear();

    /// <summary>Ends it: whatever still runs is dropped.</summary>
    public void End(InstanceStatus status, string? text)
    {
        State.Tokens.Clear();
        Status = status;
        IsTouched = true;
        History.Add(HistoryStep.OfInstance(status, text));
    }

    /// <summary>Takes it over to another version. Its state has been moved already.</summary>
    public void MoveTo(JourneyVersion version, string text)
    {
        Version = version;
        IsTouched = true;
        History.Add(new HistoryStep(-1, HistoryEvent.Moved, null, text));
    }

    /// <summary>Counts what its history says before that is written apart.</summary>
    public void CountHistory() => _passedBefore.AddRange(History.Where(step => step.Event == HistoryEvent.Completed).Select(step => (Version, step.Node)));

    /// <summary>The row to write.</summary>
    public InstanceRow ToRow(bool paused, long now, Func<Token, long?>? heldUntil)
    {
        // Woken, but stopped by another branch's incident before its activity ran, or held at its node: it waits on.
        foreach (var token in State.Tokens)
            if (token.Phase == TokenPhase.Ready && token.Reason != WakeReason.Arrived) token.Phase = TokenPhase.Waiting;
        var next = Status == InstanceStatus.Running ? State.NextDue(now, heldUntil) : null;
        // Held back until now, by an incident or at its node: what was over meanwhile is not late for that.
        if (next < now && (StatusBefore == InstanceStatus.Faulted ? now : DueAt) is { } held && next < held) next = Math.Min(held, now);
        return new InstanceRow(Id, Version.AccountId, StableHash.Shard(Version.AccountId, Contact.UserId), Version.Info.Id, Version.Info.VersionId, Contact.Id, Status,
            paused ? null : next, paused ? next : null, IsNew ? 0 : _ver + 1, StateCodec.Format, StateCodec.Write(State));
    }

    /// <summary>How the journey's counters move with what happened.</summary>
    public void Count(Action<JourneyVersion, int, CountKind, int> count)
    {
        void Add(int node, CountKind kind, int n) => count(Version, node, kind, n);
        foreach (var (version, node) in _passedBefore) count(version, node, CountKind.Passed, 1);
        if (IsNew) Add(-1, CountKind.Entered, 1);
        if (Status != StatusBefore)
        {
            if (StatusBefore == InstanceStatus.Faulted) Add(-1, CountKind.Faulted, -1);
            if (KindOf(Status) is { } kind) Add(-1, kind, 1);
        }
        foreach (var step in History)
            if (step.Event == HistoryEvent.Completed) Add(step.Node, CountKind.Passed, 1);
        var after = Standing();
        foreach (var ((node, kind), n) in after) Add(node, kind, n);
        foreach (var ((node, kind), n) in _before) count(_versionBefore, node, kind, -n);
    }

    private static CountKind? KindOf(InstanceStatus status) => status switch
    {
        InstanceStatus.Completed => CountKind.Completed,
        InstanceStatus.Exited or InstanceStatus.Cancelled => CountKind.Exited,
        InstanceStatus.Faulted => CountKind.Faulted,
        _ => null,
    };

    private Dictionary<(int, CountKind), int> Standing()
    {
        var standing = new Dictionary<(int, CountKind), int>();
        foreach (var token in State.Tokens)
        {
            var key = (token.Node, token.Phase == TokenPhase.Faulted ? CountKind.Failed : CountKind.Waiting);
            standing[key] = standing.GetValueOrDefault(key) + 1;
        }
        return standing;
    }
}
