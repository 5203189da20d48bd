using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Audience;

/// <summary>A contact's row as the map that expressions, templates and activities see.</summary>
internal static class ContactRecord
{
    /// <summary>What <see cref="Read"/> reads, of a table named c.</summary>
    public const string Columns = "c.id, c.account_id, c.user_id, c.email, c.first_name, c.last_name, c.time_zone, c.created_at, c.tags, c.attributes, c.last_opened_at, c.last_clicked_at";

    public static Contact Read(Row row)
    {
        var userId = row.Text(2);
        var fields = Fields(
            userId, row.TextOrNull(3), row.TextOrNull(4), row.TextOrNull(5), row.TextOrNull(6), row.Instant(7),
            (IReadOnlyList<object?>)row.Json(8)!, (IReadOnlyDictionary<string, object?>)row.Json(9)!, row.InstantOrNull(10), row.InstantOrNull(11));
        return new Contact(row.Int(1), row.Long(0), userId, fields);
    }

    /// <summary>Empty fields are left out: expressions and templates treat them as missing either way.</summary>
    public static IReadOnlyDictionary<string, object?> Fields(
        string userId, string? email, string? firstName, string? lastName, string? timeZone, DateTimeOffset createdAt,
        IReadOnlyList<object?> tags, IReadOnlyDictionary<string, object?> attributes, DateTimeOffset? lastOpenedAt, DateTimeOffset? lastClickedAt)
    {
        var fields = new Dictionary<string, object?>(attributes.Count + 8)
        {
            ["user_id"] = userId,
            ["created_at"] = createdAt,
            ["tags"] = tags,
            [ContactFields.Attributes] = attributes,
        };
        if (email is not null) fields["email"] = email;
        if (firstName is not null) fields["first_name"] = firstName;
        if (lastName is not null) fields["last_name"] = lastName;
        if (timeZone is not null) fields["time_zone"] = timeZone;
        if (lastOpenedAt is { } opened) fields[ContactFields.LastOpenedAt] = opened;
        if (lastClickedAt is { } clicked) fields[ContactFields.LastClickedAt] = clicked;
        foreach (var (name, value) in attributes)
            if (!ContactFields.BuiltIn.Contains(name)) fields[name] = value;
        return fields;
    }
}
