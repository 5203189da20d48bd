using System.Diagnostics;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Journeys.Simulation;

/// <summary>
/// Runs a journey, draft or published, through the real engine: months in seconds, on a store in memory that is thrown away, under a clock that jumps to
/// whatever is due next. Nothing is sent, nothing outside is called, and nothing of the account is changed.
/// </summary>
public sealed class JourneySimulator : IDisposable
{
    private const string ByDefinitionId = "journeys";
    private const int MostJourneys = 20;
    private const int StepsForOne = 10_000, StepsEach = 1_000;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private readonly IServiceCollection _server;
    private readonly Database _database;
    private readonly JourneyDefinitions _journeys;
    private readonly GraphBuilder _graphs;
    private readonly IReadOnlyList<ISimulationSource> _sources;
    private readonly SimulationLimits _limits;
    private readonly SemaphoreSlim _places;

    internal JourneySimulator(
        IServiceCollection server, Database database, JourneyDefinitions journeys, GraphBuilder graphs, IEnumerable<ISimulationSource> sources, SimulationLimits limits)
    {
        (_server, _database, _journeys, _graphs, _sources, _limits) = (server, database, journeys, graphs, [.. sources], limits);
        _places = new SemaphoreSlim(limits.AtOnce);
    }

    /// <summary>Simulates.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="request">Who travels it, and what happens on the way.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">The request cannot be taken, or took more time than is allowed; the message names the field.</exception>
    /// <exception cref="NotFoundException">There is no such journey, version or contact.</exception>
    /// <exception cref="UnsoundJourneyException">The definition cannot run.</exception>
    /// <exception cref="SimulatorBusyException">No place was free within a few seconds.</exception>
    public async Task<SimulationResult> RunAsync(int accountId, string definitionId, SimulationRequest request, CancellationToken ct)
    {
        var script = Script.Read(request, _database.Time.GetUtcNow());
        var stored = await _journeys.FindAsync(accountId, definitionId, request.Version, ct)
            ?? throw new NotFoundException($"There is no journey '{definitionId}'{(request.Version is { } version ? $" of version {version}" : "")}.");
        if (!await _places.WaitAsync(_limits.Patience, ct)) throw new SimulatorBusyException(RetryAfter);
        try
        {
            // On a thread of the pool's own: nearly all of it is computing, and the caller may be a request's only thread.
            return await Task.Run(() => RunAsync(accountId, stored, script, ct), ct);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private async Task<SimulationResult> RunAsync(int account, StoredDefinition stored, Script script, CancellationToken ct)
    {
        var watch = Stopwatch.StartNew();
        using var timeout = new CancellationTokenSource(_limits.Budget);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        var graphs = new List<Graph>();
        var others = await StartedByAsync(account, stored, graphs, ct);
        if (graphs.Count > 0) SimulatedJobs.Check(graphs[0], script.Outcomes);
        await using var world = await SimulatedWorld.CreateAsync(
            _server, _sources.Select(source => source.GetType().Assembly).Prepend(typeof(Database).Assembly).Append(GetType().Assembly).Distinct(), script.Start, script.Outcomes, ct);
        try
        {
            await CopyAsync(world, new SimulationScope(account, script.UserId, graphs), either.Token);
            var findings = await PublishAsync(world, account, stored, others, either.Token);
            return await new SimulationRun(world, account, stored.DefinitionId, graphs[0], script, StepsForOne + (script.Contacts - 1) * StepsEach).RunAsync(findings, watch, either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new InvalidInputException(script.Contacts > 1 ? "contacts" : "until", string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"the simulation had come to {world.Time.GetUtcNow():d MMMM yyyy} when its {_limits.Budget.TotalSeconds:0.#} seconds were over: ask for {(script.Contacts > 1 ? "fewer contacts or " : "")}a shorter time"));
        }
    }

    /// <summary>The journeys that this one can start, and those that they can; the graphs of all that can be read.</summary>
    private async Task<List<StoredDefinition>> StartedByAsync(int account, StoredDefinition stored, List<Graph> graphs, CancellationToken ct)
    {
        var known = new HashSet<string> { stored.DefinitionId };
        var found = new List<StoredDefinition>();
        for (var (next, index) = (stored, 0); ; next = found[index++])
        {
            if (TryBuild(next) is { } graph)
            {
                graphs.Add(graph);
                foreach (var (node, input) in graph.Nodes.SelectMany(node => node.Activity.Descriptor.Inputs, (node, input) => (node, input)))
                {
                    if (input.ChoicesFrom != ByDefinitionId || node.Activity.Inputs.ConstantOf(input.Name) is not string id || !known.Add(id) || known.Count > MostJourneys) continue;
                    if (await _journeys.FindPublishedAsync(account, id, ct) is { } other) found.Add(other);
                }
            }
            if (index == found.Count) return found;
        }
    }

    private Graph? TryBuild(StoredDefinition stored)
    {
        try
        {
            return _graphs.Build(stored.Definition);
        }
        catch (InvalidDefinitionException)
        {
            return null; // the publish will say why
        }
    }

    private Task<int> CopyAsync(SimulatedWorld world, SimulationScope scope, CancellationToken ct) => _database.ReadAsync(from => world.Database.WriteAsync(async into =>
    {
        foreach (var source in _sources) await source.CopyAsync(from, into, scope, ct);
        return _sources.Count;
    }, ct), ct);

    /// <summary>Publishes by the real publish: what it would refuse is refused here. Gives the findings that are no errors.</summary>
    private static async Task<IReadOnlyList<Finding>> PublishAsync(SimulatedWorld world, int account, StoredDefinition stored, List<StoredDefinition> others, CancellationToken ct)
    {
        var journeys = world.Get<JourneyDefinitions>();
        foreach (var other in others) await journeys.SaveDraftAsync(account, other.DefinitionId, other.Json, ct);
        foreach (var other in others) await journeys.PublishAsync(account, other.DefinitionId, ct);
        await journeys.SaveDraftAsync(account, stored.DefinitionId, stored.Json, ct);
        // Expressions may ask for the version's number.
        await world.Database.WriteAsync(session => session.ExecuteAsync(
            "UPDATE definition_version SET version = @version WHERE journey_id = (SELECT id FROM journey WHERE definition_id = @definition)",
            ct, ("version", stored.Version), ("definition", stored.DefinitionId)), ct);
        var published = await journeys.PublishAsync(account, stored.DefinitionId, ct);
        return published.IsPublished ? published.Findings : throw new UnsoundJourneyException(published.Findings);
    }
}

/// <summary>What all simulations of a server together may take of it.</summary>
/// <param name="AtOnce">How many run at once: the engine shares the processors with them.</param>
/// <param name="Budget">How much real time one may take.</param>
/// <param name="Patience">How long one waits for its turn before it is refused.</param>
internal sealed record SimulationLimits(int AtOnce, TimeSpan Budget, TimeSpan Patience)
{
    public static SimulationLimits Default { get; } = new(Math.Max(1, Environment.ProcessorCount / 4), TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(10));
}
