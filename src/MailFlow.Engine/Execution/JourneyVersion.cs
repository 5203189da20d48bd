using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Execution;

/// <summary>One version of a journey, ready to run.</summary>
internal sealed record JourneyVersion(int AccountId, JourneyInfo Info, Graph Graph)
{
    /// <summary>What expressions see as <c>journey</c>.</summary>
    public IReadOnlyDictionary<string, object?> Values { get; } = new Dictionary<string, object?>
    {
        ["id"] = Info.DefinitionId,
        ["name"] = Info.Name,
        ["version"] = (long)Info.Version,
        ["purpose"] = Info.Rules.Purpose,
    };
}

/// <summary>A trigger of a published version: which events start instances, and on what condition.</summary>
internal sealed record JourneyTrigger(JourneyVersion Version, Node Node, Rule? Filter);
