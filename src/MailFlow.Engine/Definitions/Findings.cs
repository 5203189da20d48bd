namespace MailFlow.Engine.Definitions;

/// <summary>The findings of one look at a definition, in the order they were made.</summary>
internal sealed class Findings
{
    private readonly List<Finding> _all = [];

    public IReadOnlyList<Finding> All => _all;

    public void Error(ActivityElement? activity, string code, string message, string? input = null) =>
        _all.Add(new Finding(Severity.Error, activity?.Id, activity?.Title, input, code, message));

    public void Warning(ActivityElement? activity, string code, string message, string? input = null) =>
        _all.Add(new Finding(Severity.Warning, activity?.Id, activity?.Title, input, code, message));
}
