namespace MailFlow.Engine.Activities.Elsa;

/// <summary>What a join waits for.</summary>
internal enum FlowJoinMode
{
    /// <summary>Every inbound branch.</summary>
    WaitAll,

    /// <summary>The first; the others are cancelled.</summary>
    WaitAny,

    /// <summary>Every branch that is still alive.</summary>
    WaitAllActive,
}

/// <summary>Brings branches together again. How it merges is the engine's work, told by the mode.</summary>
[Activity("Elsa.FlowJoin", DisplayName = "Join", Category = "Flow", Description = "Brings branches together again.")]
internal sealed class FlowJoin : Activity<FlowJoin.Input>
{
    public sealed record Input([Input("What to wait for before going on.")] FlowJoinMode Mode = FlowJoinMode.WaitAny);

    protected override StepResult Run(Input input, Step step) => StepResult.Complete();
}
