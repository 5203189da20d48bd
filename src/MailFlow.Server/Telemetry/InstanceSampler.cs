using MailFlow.Engine.Execution;
using OpenTelemetry.Trace;

namespace MailFlow.Server.Telemetry;

/// <summary>
/// Keeps a share of all traces. What comes with a parent goes by that one; what happens to an instance has none that decided, so its trace's id decides, on every node and after months alike.
/// </summary>
internal sealed class InstanceSampler(double ratio) : Sampler
{
    private readonly Sampler _byId = new TraceIdRatioBasedSampler(ratio);
    private readonly Sampler _byParent = new ParentBasedSampler(new TraceIdRatioBasedSampler(ratio));

    public override SamplingResult ShouldSample(in SamplingParameters parameters) =>
        (parameters.ParentContext.SpanId == InstanceTrace.Root ? _byId : _byParent).ShouldSample(parameters);
}
