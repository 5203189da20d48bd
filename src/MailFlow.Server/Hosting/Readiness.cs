using MailFlow.Data;

namespace MailFlow.Server.Hosting;

/// <summary>Whether this node can do its work: set up, its workers started, its database within reach.</summary>
internal sealed class Readiness(Database database, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>What is in the way, or null when it is ready.</summary>
    public async Task<string?> ObstacleAsync(CancellationToken ct)
    {
        // Set after the server listens; the workers begin then, and the schema was applied before.
        if (!lifetime.ApplicationStarted.IsCancellationRequested) return "starting";
        if (lifetime.ApplicationStopping.IsCancellationRequested) return "stopping";
        try
        {
            await database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM account", ct), ct).WaitAsync(Patience, ct);
            return null;
        }
        catch (Exception error) when (error is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            return "the database cannot be reached";
        }
    }
}
