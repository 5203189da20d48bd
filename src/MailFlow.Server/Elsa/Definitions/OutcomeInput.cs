using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>
/// The input whose values are exit ports. Studio's editor for ports takes a list of names and breaks on anything else, so a list of items with a
/// name and a weight is shown as two inputs, names and weights; any other item keeps its JSON and has its names in a hidden input beside it.
/// </summary>
internal sealed class OutcomeInput
{
    private static readonly string[] NameMembers = ["name", "label"];

    private readonly InputDescriptor _input;
    private readonly string _nameMember;

    private OutcomeInput(InputDescriptor input, string nameMember, string? weightMember) =>
        (_input, _nameMember, WeightMember) = (input, nameMember, weightMember);

    /// <summary>The item's member that is its share of the whole; null where items are of another kind.</summary>
    public string? WeightMember { get; }

    /// <summary>The input that Studio shows the weights in, such as <c>branchesWeights</c>.</summary>
    public string WeightsInput => _input.Name + "Weights";

    /// <summary>The hidden input that gives Studio the ports where the input itself cannot.</summary>
    public string PortsInput => _input.Name + "Ports";

    /// <summary>The input of an activity whose items are more than names; null where there is none. Studio itself knows Elsa's own switch.</summary>
    public static OutcomeInput? Of(ActivityDescriptor descriptor)
    {
        if (descriptor.OutcomesFrom is null || descriptor.Type == "Elsa.FlowSwitch" || descriptor.Input(descriptor.OutcomesFrom) is not { } input) return null;
        var item = input.Type.IsGenericType ? input.Type.GenericTypeArguments[^1] : input.Type.GetElementType();
        if (item is null || item == typeof(string)) return null;
        var parameters = item.GetConstructors().MaxBy(each => each.GetParameters().Length)?.GetParameters() ?? [];
        var name = parameters.FirstOrDefault(each => NameMembers.Contains(each.Name, StringComparer.OrdinalIgnoreCase));
        var weight = parameters is [_, { ParameterType: var second } other] && second == typeof(double) ? other.Name : null;
        return new OutcomeInput(input, CamelCase(name?.Name ?? "name"), weight is null ? null : CamelCase(weight));
    }

    public void Show(JsonObject activity)
    {
        var names = StandardForm.OutcomeNames(activity, _input.Name);
        var list = StudioActivity.Wrapped("ICollection<String>", "Object", Text(names));
        if (WeightMember is null)
        {
            activity[PortsInput] = list;
            return;
        }
        if (activity[_input.Name] is null) return;
        var weights = Items(activity[_input.Name]).ToDictionary(item => item.Text(_nameMember) ?? "", item => item[WeightMember], StringComparer.Ordinal);
        activity[_input.Name] = list;
        activity[WeightsInput] = StudioActivity.Wrapped("String", "Literal",
            string.Join(", ", names.Select(name => weights.GetValueOrDefault(name)?.ToString() ?? "1")));
    }

    public void Back(JsonObject activity)
    {
        activity.Remove(PortsInput);
        if (WeightMember is null) return;
        var weights = activity.Object(WeightsInput)?.Object("expression")?["value"].Text() ?? "";
        activity.Remove(WeightsInput);
        if (activity[_input.Name] is null) return;
        var shares = weights.Split([',', ';', '/', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var names = StandardForm.OutcomeNames(activity, _input.Name);
        activity[_input.Name] = StudioActivity.Wrapped("Object", "Object", new JsonArray([.. names.Select((name, index) => (JsonNode)new JsonObject
        {
            [_nameMember] = name,
            [WeightMember] = index < shares.Length ? Share(shares[index]) : 1,
        })]));
    }

    /// <summary>The items, each as an object, in whichever of the short forms they are written.</summary>
    private IEnumerable<JsonObject> Items(JsonNode? written)
    {
        var value = written is JsonObject json && json["expression"] is JsonObject expression ? expression["value"] : written;
        if (value.Text() is { } text)
        {
            try
            {
                value = JsonNode.Parse(text);
            }
            catch (JsonException)
            {
                return [];
            }
        }
        return value switch
        {
            JsonArray list => list.Select(item => item as JsonObject ?? new JsonObject { [_nameMember] = item?.DeepClone() }),
            JsonObject map => map.Select(member => new JsonObject { [_nameMember] = member.Key, [WeightMember!] = member.Value?.DeepClone() }),
            _ => [],
        };
    }

    /// <summary>What is no number stays as it was typed: the linter says so, by the activity's name.</summary>
    private static JsonNode Share(string text) =>
        double.TryParse(text.TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture, out var share) ? share : text;

    private static string Text(IEnumerable<string> names) => new JsonArray([.. names.Select(name => (JsonNode)name)]).ToJsonString(ElsaJson.Compact);

    private static string CamelCase(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
