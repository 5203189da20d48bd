using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Definitions;

/// <summary>Compiles the inputs of one activity, and reports what is wrong with them.</summary>
internal sealed class InputBinding(InputCompiler compiler, Findings findings)
{
    /// <summary>
    /// The activity's binder. An input that is wrong is reported, and fails when it is bound: a version that was published under an
    /// older rule still loads, and only the instances that come to that activity become incidents.
    /// </summary>
    public IInputBinder Bind(ActivityDescriptor descriptor, ActivityElement activity)
    {
        if (descriptor.IsContainer) return Structure;
        var record = InputRecord.Of(descriptor.InputClass);
        BoundValue[] values = [.. descriptor.Inputs.Select(input => Value(activity, input))];
        ReportRefusedElsewhere(descriptor, activity);
        var binder = new InputBinder(record, [.. descriptor.Inputs.Select(input => input.Name)], values);
        if (binder.Problem is { } problem) findings.Error(activity, "ill_typed_input", $"“{activity.Title}”: {problem}");
        return binder;
    }

    /// <summary>The names of the exit ports that an input gives: of a list of names, of items with a label or a name, or of a map.</summary>
    public static IReadOnlyList<string> Outcomes(ActivityElement activity, string input)
    {
        var node = ExpressionElement.Read(activity.Json.Member(input))?.Value;
        if (node.AsText() is { } text)
        {
            try
            {
                node = JsonNode.Parse(text);
            }
            catch (JsonException)
            {
                return [];
            }
        }
        if (node is JsonObject map && DefinitionJson.Wrapped(map) is null)
            return [.. map.Select(member => member.Key).Where(name => !DefinitionJson.IsMark(name))];
        return [.. node.Items().Select(Name).OfType<string>().Distinct()];

        static string? Name(JsonNode? item) =>
            item is JsonObject json
                ? ExpressionElement.Read(json.Member("label") ?? json.Member("name"))?.Value.AsText()
                : item.AsText();
    }

    private static readonly IInputBinder Structure = new InputBinder(InputRecord.Of(typeof(NoInput)), [], []);

    private BoundValue Value(ActivityElement activity, InputDescriptor input)
    {
        try
        {
            var value = compiler.Compile(input.Type, activity.Json.Member(input.Name));
            if (value is { IsConstant: true, Constant: null or "" } && input.Required)
                throw new InputException("missing_input", "is missing");
            // A text that was cleared in the form is none, where none is allowed.
            if (value is { IsConstant: true, Constant: "" } && input.Default is null) value = BoundValue.Absent;
            return InputCompiler.NeverNull(input.Type, value.Or(input.Default), input.Name);
        }
        catch (Exception error) when (error is InputException or FormatException)
        {
            var code = (error as InputException)?.Code ?? "ill_typed_input";
            findings.Error(activity, code, $"{input.DisplayName} of “{activity.Title}” {error.Message.TrimEnd('.')}.", input.Name);
            return BoundValue.Computed(_ => throw error);
        }
    }

    /// <summary>Code is refused wherever it stands, in inputs that we do not know as well.</summary>
    private void ReportRefusedElsewhere(ActivityDescriptor descriptor, ActivityElement activity)
    {
        foreach (var (name, member) in activity.Json)
        {
            if (descriptor.Input(name) is not null) continue;
            foreach (var refused in ExpressionElement.RefusedIn(member))
            {
                findings.Error(
                    activity, "refused_expression", $"{name} of “{activity.Title}” is written in {refused.Type}, which MailFlow does not run.", name);
            }
        }
    }

    private sealed record NoInput;
}
