using System.Collections.Frozen;

namespace MailFlow.Content;

/// <summary>What a template may read.</summary>
internal static class TemplateVariables
{
    public const string UnsubscribeUrl = "unsubscribe_url";
    public const string PreferencesUrl = "preferences_url";
    public const string ConfirmUrl = "confirm_url";
    public const string PostalAddress = "sender.postal_address";

    private static readonly FrozenSet<string> Roots =
        new[] { "contact", "event", "trigger", "journey", "sender", UnsubscribeUrl, PreferencesUrl, ConfirmUrl, "message" }.ToFrozenSet();

    private static readonly FrozenSet<string> SenderFields = new[] { "name", "email", "postal_address" }.ToFrozenSet();

    /// <summary>The roots, for an error to name.</summary>
    public const string Listed = "contact, event, trigger, journey, sender, unsubscribe_url, preferences_url, confirm_url, message";

    /// <summary>Whether a mail can have such a variable. Fields of contacts and events are free, so only their root is checked.</summary>
    public static bool IsKnown(string path)
    {
        if (path is "this" or "." || path[0] is '@' or '.') return true;
        var dot = path.IndexOfAny(['.', '/', '[']);
        var root = dot < 0 ? path : path[..dot];
        if (!Roots.Contains(root)) return false;
        return root switch
        {
            UnsubscribeUrl or PreferencesUrl or ConfirmUrl => dot < 0,
            "sender" => dot < 0 || SenderFields.Contains(path[(dot + 1)..]),
            _ => true,
        };
    }

    /// <summary>Whether the path's first name is one of a mail's variables.</summary>
    public static bool StartsAtRoot(string path)
    {
        var end = path.IndexOfAny(['.', '/', '[']);
        return Roots.Contains(end < 0 ? path : path[..end]);
    }

    /// <summary>The value at a path of plain names; null when there is none.</summary>
    public static object? Find(IReadOnlyDictionary<string, object?> model, string path)
    {
        object? value = model;
        foreach (var name in path.Split('.'))
            if (value is not IReadOnlyDictionary<string, object?> map || !map.TryGetValue(name, out value)) return null;
        return value;
    }
}
