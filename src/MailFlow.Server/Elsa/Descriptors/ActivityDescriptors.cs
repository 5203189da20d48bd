using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Server.Elsa.Definitions;

namespace MailFlow.Server.Elsa.Descriptors;

/// <summary>What Studio's picker, canvas and forms know of every activity: derived from the activities themselves.</summary>
internal sealed class ActivityDescriptors(ActivityRegistry registry, Choices choices)
{
    /// <summary>Every activity, as an account sees it.</summary>
    public async Task<JsonArray> AllAsync(int accountId, CancellationToken ct)
    {
        var offered = await choices.OfAccountAsync(accountId, ct);
        return new JsonArray([.. registry.All.Select(descriptor => (JsonNode)Describe(descriptor, offered)), Placeholder()]);
    }

    /// <summary>What an input offers at this moment; null where there is no such input or it offers nothing.</summary>
    public async Task<JsonObject?> OptionsAsync(int accountId, string type, string input, CancellationToken ct)
    {
        if (registry.Find(type)?.Input(input) is not { ChoicesFrom: { } kind } descriptor) return null;
        return InputEditor.Specifications(descriptor, await choices.OfAccountAsync(accountId, kind, ct));
    }

    private static JsonObject Describe(ActivityDescriptor descriptor, IReadOnlyDictionary<string, JsonArray> offered)
    {
        var inputs = new JsonArray();
        foreach (var input in descriptor.Inputs) AddInput(inputs, descriptor, input, offered);
        return Members(descriptor.Type, descriptor.DisplayName, descriptor.Category, descriptor.Description, inputs,
            [.. (descriptor.IsContainer ? [] : descriptor.Outcomes).Select(Port)],
            kind: descriptor.Kind.ToString(),
            isContainer: descriptor.IsContainer,
            // The root is one; nested ones run, but Studio's picker cannot open what it has just dropped.
            isBrowsable: !descriptor.IsContainer,
            isStart: descriptor.Type == "Elsa.Start",
            isTerminal: descriptor.Terminal,
            beginnings: new JsonObject(StudioActivity.Beginnings(descriptor).Select(each => KeyValuePair.Create(each.Key, (JsonNode?)each.Value))));
    }

    private static void AddInput(JsonArray inputs, ActivityDescriptor descriptor, InputDescriptor input, IReadOnlyDictionary<string, JsonArray> offered)
    {
        var name = input.Name == "name" ? NameInput.MemberOf(descriptor) : input.Name;
        var described = InputEditor.Describe(input, PascalCase(name), inputs.Count, input.ChoicesFrom is { } kind ? offered.GetValueOrDefault(kind) ?? [] : null);
        inputs.Add(described);
        if (input.Name != descriptor.OutcomesFrom) return;
        if (OutcomeInput.Of(descriptor) is not { } outcomes)
        {
            if (described.Text("uiHint") == "dynamic-outcomes") described["uiSpecifications"] = FixedOutcomes(descriptor);
            return;
        }
        if (outcomes.WeightMember is null)
        {
            inputs.Add(Ports(PascalCase(outcomes.PortsInput), descriptor, inputs.Count));
            return;
        }
        described["uiHint"] = "dynamic-outcomes";
        described["typeName"] = "ICollection<String>";
        described["description"] = "One name for each way to go. Press Enter after each.";
        described["defaultSyntax"] = "Object";
        described["uiSpecifications"] = FixedOutcomes(descriptor);
        inputs.Add(InputEditor.Members(PascalCase(outcomes.WeightsInput), $"{input.DisplayName}: {outcomes.WeightMember}s",
            "In the same order, such as 50, 30, 20. Empty: all the same.", "String", "singleline", null, null, "Literal", inputs.Count));
    }

    private static JsonObject Placeholder() => Members(StudioActivity.NotFound, "Unknown activity", "Flow",
        "An activity that this server does not know. It is kept as it is, and cannot run here.",
        [
            InputEditor.Members("MissingType", "It is", "Its type and version.", "String", "singleline", null, null, "Literal", 0, isReadOnly: true),
            InputEditor.Members("Ports", "Ports", null, "ICollection<String>", "dynamic-outcomes", null, null, "Object", 1, isBrowsable: false),
        ],
        [], "Action", isContainer: false, isBrowsable: false, isStart: false, isTerminal: false);

    private static JsonObject Members(
        string type, string displayName, string category, string description, JsonArray inputs, JsonArray ports, string kind,
        bool isContainer, bool isBrowsable, bool isStart, bool isTerminal, JsonObject? beginnings = null)
    {
        var dot = type.LastIndexOf('.');
        return new JsonObject
        {
            ["typeName"] = type,
            ["namespace"] = dot < 0 ? "" : type[..dot],
            ["name"] = type[(dot + 1)..],
            ["version"] = StudioActivity.Version,
            ["category"] = category,
            ["displayName"] = displayName,
            ["description"] = description,
            ["inputs"] = inputs,
            ["outputs"] = new JsonArray(),
            ["attributes"] = new JsonArray(),
            ["kind"] = kind,
            ["ports"] = ports,
            ["customProperties"] = new JsonObject(),
            ["constructionProperties"] = beginnings ?? [],
            ["isContainer"] = isContainer,
            ["isBrowsable"] = isBrowsable,
            ["isStart"] = isStart,
            ["isTerminal"] = isTerminal,
        };
    }

    private static JsonObject Port(string name) => new() { ["name"] = StudioPort.Of(name), ["displayName"] = name, ["type"] = "Flow", ["isBrowsable"] = true };

    private static JsonObject Ports(string name, ActivityDescriptor descriptor, int order) =>
        InputEditor.Members(name, name, null, "ICollection<String>", "dynamic-outcomes", FixedOutcomes(descriptor), null, "Object", order, isBrowsable: false);

    private static JsonObject? FixedOutcomes(ActivityDescriptor descriptor) => descriptor.Outcomes.Count == 0 ? null : new JsonObject
    {
        ["DynamicOutcomesOptions"] = new JsonObject { ["fixedOutcomes"] = new JsonArray([.. descriptor.Outcomes.Select(name => (JsonNode)name)]) },
    };

    private static string PascalCase(string name) => char.ToUpperInvariant(name[0]) + name[1..];
}
