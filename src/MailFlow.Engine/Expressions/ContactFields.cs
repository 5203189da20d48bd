using System.Collections.Frozen;

namespace MailFlow.Engine.Expressions;

/// <summary>The fields of a contact that are columns of its own; every other <c>contact.name</c> is an attribute.</summary>
public static class ContactFields
{
    /// <summary>The map that holds all attributes: <c>contact.attributes.name</c>.</summary>
    public const string Attributes = "attributes";

    /// <summary>The built-in fields. <c>created_at</c> is a timestamp, <c>tags</c> a list of text, <c>attributes</c> a map.</summary>
    public static IReadOnlySet<string> BuiltIn { get; } = new[]
    {
        "user_id", "email", "first_name", "last_name", "time_zone", "created_at", "tags", Attributes,
    }.ToFrozenSet();
}
