using MailFlow.Data;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Tests.Expressions;

/// <summary>A scope made from JSON, at a fixed now, with the contact's events.</summary>
internal sealed class RuleScope(DateTimeOffset now) : IExpressionScope
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<string, object?> _roots = [];
    private readonly List<(string Type, DateTimeOffset At)> _events = [];

    public RuleScope() : this(Noon) { }

    public DateTimeOffset Now => now;

    public static RuleScope With(string root, string json) => new RuleScope().Add(root, json);

    public RuleScope Add(string root, string json) => Add(root, JsonData.Parse(json));

    public RuleScope Add(string root, object? value)
    {
        _roots[root] = value;
        return this;
    }

    public RuleScope Happened(string type, DateTimeOffset at)
    {
        _events.Add((type, at));
        return this;
    }

    public object? Root(string name) => _roots.GetValueOrDefault(name);

    public long CountEvents(string type, TimeSpan? window) =>
        _events.Count(one => one.Type == type && one.At <= now && (window is null || one.At > now - window));
}
