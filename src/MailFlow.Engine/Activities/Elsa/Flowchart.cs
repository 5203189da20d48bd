namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Stands for a nested flowchart in descriptors. It is structure: the engine walks into it and never makes one.</summary>
internal sealed class Flowchart
{
    private Flowchart() { }
}
