using System.Globalization;

namespace MailFlow.Chaos;

/// <summary>One thing that goes wrong.</summary>
/// <param name="At">When, from the begin of the run.</param>
/// <param name="Kind">What: one of <see cref="Plan.Kinds"/>.</param>
/// <param name="Node">Which node, counted from 0, where it is about one; where that is down just then, the next that is up.</param>
/// <param name="Span">How long, where it lasts.</param>
/// <param name="Point">The labelled point at which it strikes, where it does at one.</param>
/// <param name="Arrival">At which arrival at that point, from 1.</param>
/// <param name="Ahead">How far ahead of the others' the node's clock is from then on, or behind them.</param>
public sealed record Fault(TimeSpan At, string Kind, int Node, TimeSpan Span, string Point = "", int Arrival = 0, TimeSpan Ahead = default)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{At.TotalSeconds,6:0.0} s  {Kind}{(Plan.IsOfNode(Kind) ? $" of node {Node + 1}" : "")}{(Point.Length > 0 ? $" at {Point}, arrival {Arrival}" : "")}{(Span > TimeSpan.Zero ? $", {Span.TotalSeconds:0.0} s long" : "")}{(Ahead != TimeSpan.Zero ? $" to {Ahead.TotalSeconds:+0;-0} s" : "")}");
}
