using System.Reflection;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Execution;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Journeys.Simulation;

/// <summary>
/// The whole engine on an empty database in memory and a clock of its own: the server's own registrations, so that custom activities and templates are
/// there, but for what reaches outside. Mail is captured, jobs are answered from the script, nothing runs by itself and nothing is logged.
/// </summary>
internal sealed class SimulatedWorld : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly SimulatedJobs _jobs;

    private SimulatedWorld(Database database, SimulatedTime time, ServiceProvider services, IReadOnlyDictionary<string, string> outcomes)
    {
        (Database, Time, _services) = (database, time, services);
        _jobs = new SimulatedJobs(database, Get<VersionGraphs>(), outcomes);
    }

    public Database Database { get; }

    public SimulatedTime Time { get; }

    /// <summary>How many activities have been run.</summary>
    public long Steps { get; private set; }

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Makes one with the schema of the modules that the sources come from.</summary>
    public static async Task<SimulatedWorld> CreateAsync(
        IServiceCollection server, IEnumerable<Assembly> modules, DateTimeOffset start, IReadOnlyDictionary<string, string> outcomes, CancellationToken ct)
    {
        var time = new SimulatedTime(start);
        var database = Database.OpenInMemory(time);
        try
        {
            await Migrator.ApplyAsync(database, modules, ct);
            return new SimulatedWorld(database, time, Services(server, database, time), outcomes);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does all that is due by now: batches, jobs, mail.</summary>
    public async Task SettleAsync(CancellationToken ct)
    {
        bool more;
        do
        {
            ct.ThrowIfCancellationRequested();
            var steps = await Get<Worker>().RunUntilIdleAsync(ct);
            Steps += steps;
            more = steps > 0;
            more |= await _jobs.RunOnceAsync(ct) > 0;
            more |= await Get<MessageSender>().RunOnceAsync(ct) > 0;
        }
        while (more);
    }

    /// <summary>When something falls due by itself; null when nothing will.</summary>
    public Task<DateTimeOffset?> NextDueAsync(CancellationToken ct) => Database.ReadAsync(session => session.FirstAsync("""
        SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM instance WHERE due_at IS NOT NULL UNION ALL SELECT min(due_at) FROM job UNION ALL SELECT min(due_at) FROM message WHERE due_at IS NOT NULL) AS due
        """,
        row => row.InstantOrNull(0), ct), ct);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await Database.DisposeAsync();
    }

    private static ServiceProvider Services(IServiceCollection server, Database database, SimulatedTime time)
    {
        var services = new ServiceCollection();
        foreach (var service in server) ((IList<ServiceDescriptor>)services).Add(service);
        // Neither the workers nor anything else that starts by itself; and what would call out is not even there to be asked for.
        services.RemoveAll<IHostedService>().RemoveAll<JobRunner>().RemoveAll<JourneySimulator>();
        services.RemoveAll<Database>().RemoveAll<TimeProvider>().RemoveAll<Random>().RemoveAll<ILoggerFactory>().RemoveAll(typeof(ILogger<>));
        services.AddSingleton(database).AddSingleton<TimeProvider>(time).AddSingleton(new Random(1));
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        return services.UseSandbox().BuildServiceProvider();
    }
}
