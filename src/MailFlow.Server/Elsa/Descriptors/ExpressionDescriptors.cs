using System.Text.Json.Nodes;

namespace MailFlow.Server.Elsa.Descriptors;

/// <summary>The languages an input may be written in, in the order in which Studio offers them: its expression editor begins with the first.</summary>
internal static class ExpressionDescriptors
{
    /// <summary>Languages that run code. The linter refuses them by name; Studio must know them, or it breaks on a definition that holds one.</summary>
    private static readonly string[] Refused = ["JavaScript", "CSharp", "Python", "Liquid", "Razor", "Delegate"];

    public static JsonArray All() => new(
    [
        // Monaco has no CEL: JavaScript's colours come nearest.
        Describe("CEL", "CEL", isBrowsable: true, ("MonacoLanguage", "javascript")),
        Describe("Handlebars", "Handlebars", isBrowsable: true, ("MonacoLanguage", "handlebars")),
        Describe("Literal", "Literal", isBrowsable: false),
        Describe("Object", "Object", isBrowsable: false, ("MonacoLanguage", "json")),
        Describe("Variable", "Variable", isBrowsable: true, ("UIHint", "variable-picker")),
        Describe("Input", "Input", isBrowsable: false, ("UIHint", "input-picker")),
        .. Refused.Select(language => Describe(language, $"{language} (does not run here)", isBrowsable: false, ("MonacoLanguage", "plaintext"))),
    ]);

    private static JsonObject Describe(string type, string displayName, bool isBrowsable, params (string Name, string Value)[] properties)
    {
        var bag = new JsonObject();
        foreach (var (name, value) in properties) bag[name] = value;
        return new JsonObject { ["type"] = type, ["displayName"] = displayName, ["isSerializable"] = true, ["isBrowsable"] = isBrowsable, ["properties"] = bag };
    }
}
