using MailFlow.Data;

namespace MailFlow.Engine.Definitions;

/// <summary>How grave a finding is.</summary>
public enum Severity
{
    /// <summary>Worth a look; does not stop a publish.</summary>
    Warning,

    /// <summary>Stops a publish.</summary>
    Error,
}

/// <summary>Something the linter found in a definition.</summary>
/// <param name="Severity">How grave it is.</param>
/// <param name="ActivityId">The activity it is about; null when it is about the definition.</param>
/// <param name="ActivityName">What a person calls that activity.</param>
/// <param name="Input">The input it is about (camelCase), or null.</param>
/// <param name="Code">What kind of finding, in snake_case: stable, for programs.</param>
/// <param name="Message">What is wrong and what to do, for a marketer.</param>
public sealed record Finding(Severity Severity, string? ActivityId, string? ActivityName, string? Input, string Code, string Message);

/// <summary>A module's own check before a publish: that a template or segment that the graph names exists.</summary>
public interface IPublishCheck
{
    /// <summary>Looks at a definition that has no error of form. Runs in the publish's transaction.</summary>
    Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct);
}

/// <summary>A definition cannot be made into a graph.</summary>
public sealed class InvalidDefinitionException(IReadOnlyList<Finding> findings)
    : Exception(string.Join(" ", findings.Select(finding => finding.Message)))
{
    /// <summary>Why.</summary>
    public IReadOnlyList<Finding> Findings { get; } = findings;
}
