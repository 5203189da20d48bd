using System.Collections.Frozen;

namespace MailFlow.Engine.Expressions;

/// <summary>The fields of a contact that are columns of its own; every other <c>contact.name</c> is an attribute.</summary>
public static class ContactFields
{
    /// <summary>The map that holds all attributes: <c>contact.attributes.name</c>.</summary>
    public const string Attributes = "attributes";

    /// <summary>When the contact last opened a mail, as far as anybody can tell that it was a human.</summary>
    public const string LastOpenedAt = "last_opened_at";

    /// <summary>When the contact last followed a link in a mail.</summary>
    public const string LastClickedAt = "last_clicked_at";

    /// <summary>The built-in fields. <c>created_at</c>, <c>last_opened_at</c> and <c>last_clicked_at</c> are timestamps, <c>tags</c> a list of text, <c>attributes</c> a map.</summary>
    public static IReadOnlySet<string> BuiltIn { get; } = new[]
    {
        "user_id", "email", "first_name", "last_name", "time_zone", "created_at", LastOpenedAt, LastClickedAt, "tags", Attributes,
    }.ToFrozenSet();
}
