namespace MailFlow.Engine.Storage;

/// <summary>
/// Work that is due again and again: a module registers one for each. One node at a time does it where the nodes share a clock, otherwise each server; so what it does must bear
/// being done twice.
/// </summary>
/// <param name="Name">What it is: <c>retention</c>.</param>
/// <param name="Every">How often, a minute or more.</param>
/// <param name="RunAsync">Does it. What it throws is logged, and it is done again the next time.</param>
public sealed record Upkeep(string Name, TimeSpan Every, Func<CancellationToken, Task> RunAsync);
