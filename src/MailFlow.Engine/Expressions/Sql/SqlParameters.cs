namespace MailFlow.Engine.Expressions.Sql;

/// <summary>The parameters of one fragment, each value once.</summary>
internal sealed class SqlParameters(string prefix)
{
    private readonly List<(string Name, object? Value)> _all = [];
    private readonly Dictionary<object, string> _names = [];

    public IReadOnlyList<(string Name, object? Value)> All => _all;

    public string Add(object value)
    {
        if (_names.TryGetValue(value, out var known)) return known;
        var name = prefix + _all.Count;
        _all.Add((name, value));
        return _names[value] = "@" + name;
    }
}
