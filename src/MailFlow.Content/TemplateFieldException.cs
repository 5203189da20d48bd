namespace MailFlow.Content;

/// <summary>What is wrong with a template, and in which of its fields.</summary>
internal sealed class TemplateFieldException(string name, string problem) : Exception($"{name}: {problem}")
{
    public string FieldName { get; } = name;

    public string Problem { get; } = problem;
}
