using MailFlow.Engine.Definitions;

namespace MailFlow.Server.Http;

/// <summary>A definition that cannot run, as an answer: 422 with the findings, the errors among them by activity and input.</summary>
internal static class FindingProblems
{
    public static IResult Result(IReadOnlyList<Finding> findings)
    {
        var errors = findings.Where(finding => finding.Severity == Severity.Error).ToList();
        return Problems.Result(422, string.Join(' ', errors.Select(error => error.Message)),
            errors.GroupBy(Place).ToDictionary(group => group.Key, group => group.Select(error => error.Message).ToArray()),
            new Dictionary<string, object?> { ["findings"] = findings });
    }

    /// <summary>What a finding is about, as a field's name: <c>activity.input</c>.</summary>
    private static string Place(Finding finding) => (finding.ActivityId, finding.Input) switch
    {
        (null, null) => "definition",
        (null, var input) => input,
        (var activity, null) => activity,
        var (activity, input) => $"{activity}.{input}",
    };
}
