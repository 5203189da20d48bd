namespace MailFlow.Engine.Execution;

/// <summary>This process among those that work on the database.</summary>
/// <param name="Name">The same after a restart, and no other running node's: how a node knows that its last run died.</param>
public sealed record EngineNode(string Name);
