using System.Diagnostics;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Each instance is one trace, whose id is made of the instance's: so what happens to it months apart, on different nodes, comes together though nothing is kept for it in
/// between. Its bytes stand in reverse, so that random ones come first, by which samplers decide: every node decides alike.
/// </summary>
public static class InstanceTrace
{
    /// <summary>The span that stands for the instance: it is nowhere written, all others are under it.</summary>
    public static ActivitySpanId Root { get; } = ActivitySpanId.CreateFromString("6d61696c666c6f77");

    /// <summary>Under which what happens to the instance is traced.</summary>
    public static ActivityContext Of(Guid instance)
    {
        Span<byte> id = stackalloc byte[16];
        instance.TryWriteBytes(id, bigEndian: true, out _);
        id.Reverse();
        return new ActivityContext(ActivityTraceId.CreateFromBytes(id), Root, ActivityTraceFlags.None, isRemote: true);
    }
}
