using MailFlow.Data;
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

    /// <summary>One of which this node can read no more than whose it is: enough to end what is on it, and for nothing else.</summary>
    public static JourneyVersion Unread(int account, JourneyInfo info) => new(account, info, new Graph
    {
        DefinitionId = info.DefinitionId,
        Name = info.Name,
        Nodes = [],
        Edges = [],
        Start = null!,
        Triggers = [],
        Variables = JsonData.Empty,
        Rules = info.Rules,
    });
}

/// <summary>A trigger of a published version: which events start instances, and on what condition.</summary>
internal sealed record JourneyTrigger(JourneyVersion Version, Node Node, Rule? Filter);
