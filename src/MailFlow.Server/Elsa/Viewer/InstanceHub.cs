using MailFlow.Journeys;
using MailFlow.Server.Access;
using Microsoft.AspNetCore.SignalR;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>The hub that Studio's viewer listens to. It opens several connections for one page.</summary>
internal sealed class InstanceHub(InstanceTrips trips, ObservedInstances observed) : Hub
{
    public const string Path = "/elsa/hubs/workflow-instance";

    /// <summary>Asks to be told of an instance's changes. One of another account, or that is not there, is never told of.</summary>
    public async Task ObserveInstanceAsync(string instanceId)
    {
        var account = Caller.Of(Context.GetHttpContext()!).AccountId;
        if (!Guid.TryParse(instanceId, out var id) || await trips.FindAsync(account, id, Context.ConnectionAborted) is null) return;
        await Groups.AddToGroupAsync(Context.ConnectionId, id.ToString(), Context.ConnectionAborted);
        observed.Add(Context.ConnectionId, account, id);
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        observed.Remove(Context.ConnectionId);
        return base.OnDisconnectedAsync(exception);
    }
}

/// <summary>Which instances somebody looks at now.</summary>
internal sealed class ObservedInstances
{
    private const int MostOfAConnection = 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HashSet<(int Account, Guid Id)>> _byConnection = new(StringComparer.Ordinal);
    private TaskCompletionSource _some = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Add(string connection, int account, Guid id)
    {
        lock (_lock)
        {
            if (!_byConnection.TryGetValue(connection, out var ids)) _byConnection[connection] = ids = [];
            if (ids.Count < MostOfAConnection) ids.Add((account, id));
            _some.TrySetResult();
        }
    }

    public void Remove(string connection)
    {
        lock (_lock)
        {
            _byConnection.Remove(connection);
            if (_byConnection.Count == 0 && _some.Task.IsCompleted) _some = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public IReadOnlyCollection<(int Account, Guid Id)> All()
    {
        lock (_lock) return [.. _byConnection.Values.SelectMany(ids => ids).Distinct()];
    }

    /// <summary>Completes when somebody looks at one: nobody there costs nothing.</summary>
    public Task WaitAsync(CancellationToken ct)
    {
        lock (_lock) return _some.Task.WaitAsync(ct);
    }
}
