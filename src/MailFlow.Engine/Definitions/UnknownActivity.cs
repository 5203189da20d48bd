using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Definitions;

/// <summary>Stands for a type that is not known. Its exits are those that connections name, so that only the type itself is reported.</summary>
internal sealed class UnknownActivity
{
    private UnknownActivity() { }

    public static ActivityDescriptor Describe(ActivityElement element) => new()
    {
        Type = element.Type,
        Class = typeof(UnknownActivity),
        InputClass = typeof(Nothing),
        DisplayName = element.Type,
        Description = "",
        Category = "",
        Kind = ActivityKind.Action,
        Outcomes = [],
        CanWait = true,
        Inputs = [],
    };

    public sealed record Nothing;
}
