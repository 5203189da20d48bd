using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Storage;

/// <summary>
/// What a module gives to a simulation: a copy of what a journey can see of the account's own data, put into the simulation's throw-away store. The
/// schema of the module that a source comes from is put in place first. Dense keys stay as they are.
/// </summary>
public interface ISimulationSource
{
    /// <summary>Copies.</summary>
    /// <param name="from">Reads the account's real data. Nothing is ever written there.</param>
    /// <param name="into">Writes the throw-away store, which is SQLite.</param>
    /// <param name="scope">How much.</param>
    /// <param name="ct">Cancels.</param>
    Task CopyAsync(Session from, Session into, SimulationScope scope, CancellationToken ct);
}

/// <summary>What a simulation needs.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="UserId">The contact whose data it needs; null for none.</param>
/// <param name="Graphs">The journey and those it can start.</param>
public sealed record SimulationScope(int AccountId, string? UserId, IReadOnlyList<Graph> Graphs);
