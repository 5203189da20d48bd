using MailFlow.Data;

namespace MailFlow.Engine.Definitions;

/// <summary>Reads the variables' initial values, which are written as text, into their declared types.</summary>
internal sealed class VariableReader(Findings findings)
{
    public IReadOnlyDictionary<string, object?> Initial(VariableScope variables)
    {
        var values = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var variable in variables.All)
        {
            try
            {
                var written = variable.Value is null ? null : JsonData.Parse(variable.Value.ToJsonString());
                values[variable.Name] = VariableValue.Of(variable.TypeName, variable.IsArray, written);
            }
            catch (FormatException error)
            {
                values[variable.Name] = null;
                findings.Error(null, "bad_variable", $"The initial value of the variable '{variable.Name}' is not right: {error.Message}.");
            }
        }
        foreach (var name in variables.Repeated)
            findings.Warning(null, "repeated_variable", $"The variable '{name}' is declared more than once: they share one value.");
        return values;
    }
}
