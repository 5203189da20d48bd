using System.Text;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Engine.Expressions;
using NodaTime;

namespace MailFlow.Audience;

/// <summary>
/// Checks the fields of a contact as they come in, in an event's <c>payload.contact</c> or through the API, before anything is written.
/// Each check throws <see cref="InvalidInputException"/> that names the field by its whole path.
/// </summary>
public static partial class ContactFieldsCheck
{
    /// <summary>How many characters an application's id for a contact may have, by whatever road it comes.</summary>
    public const int LongestUserId = 256;

    private const int LongestName = 200, MostTags = 200, LongestTag = 200;
    private const int LongestAttributeName = 100, MostAttributeBytes = 64 * 1024, DeepestAttribute = 16, MostPurposes = 100;

    /// <summary>Checks a map of fields; see <see cref="Engine.Activities.ContactChange"/> for what it may hold.</summary>
    /// <param name="fields">The map.</param>
    /// <param name="path">What stands before a field's name in an error, such as <c>contact</c>; empty for none.</param>
    public static void Check(IReadOnlyDictionary<string, object?> fields, string path)
    {
        var attributes = 0;
        foreach (var (name, value) in fields)
        {
            var field = path.Length == 0 ? name : $"{path}.{name}";
            switch (name)
            {
                case "email": Email(value, field); break;
                case "time_zone": TimeZone(value, field); break;
                case "first_name" or "last_name": Name(value, field); break;
                case "tags": Tags(value, field); break;
                case "consents": Consents(value, field); break;
                case ContactFields.Attributes: attributes += Attributes(value, field); break;
                case "user_id" or "created_at" or ContactFields.LastOpenedAt or ContactFields.LastClickedAt: break;
                default: attributes += Attribute(name, value, field); break;
            }
        }
        if (attributes > MostAttributeBytes)
            throw new InvalidInputException(path.Length == 0 ? ContactFields.Attributes : path, $"its attributes take {attributes / 1024} kB; at most {MostAttributeBytes / 1024} kB");
    }

    /// <summary>Checks an application's id for a contact: 1 to <see cref="LongestUserId"/> characters.</summary>
    public static void UserId(string? userId, string field)
    {
        if (string.IsNullOrWhiteSpace(userId)) throw new InvalidInputException(field, "is missing");
        Text(userId, LongestUserId, field);
    }

    /// <summary>Whether text is an IANA time zone that we know.</summary>
    public static bool IsTimeZone(string text) => DateTimeZoneProviders.Tzdb.GetZoneOrNull(text) is not null;

    /// <summary>Checks a consent purpose: 1 to 64 of lower-case letters, digits, <c>_</c>, <c>.</c> and <c>-</c>.</summary>
    public static void Purpose(string purpose, string field)
    {
        if (!IsPurpose(purpose)) throw new InvalidInputException(field, "a purpose is 1 to 64 of lower-case letters, digits, '_', '.' and '-'");
    }

    internal static bool IsPurpose(string text) => PurposePattern().IsMatch(text);

    internal static bool IsTag(string text) => text.Length is > 0 and <= LongestTag;

    /// <summary>Refuses what no database takes: NUL characters and halves of surrogate pairs.</summary>
    internal static void Characters(string text, string field)
    {
        if (text.Contains('\0')) throw new InvalidInputException(field, "holds a NUL character");
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) throw new InvalidInputException(field, "holds half of a surrogate pair");
            i++;
        }
    }

    private static void Text(string text, int longest, string field)
    {
        Characters(text, field);
        if (text.Length > longest) throw new InvalidInputException(field, $"is {text.Length} characters long; at most {longest}");
    }

    private static void Email(object? value, string field)
    {
        if (TextOrNothing(value, field) is not { } text) return;
        Characters(text, field);
        if (!EmailAddress.IsValid(text.Trim())) throw new InvalidInputException(field, $"'{Shown(text)}' is not an e-mail address");
    }

    private static void TimeZone(object? value, string field)
    {
        if (TextOrNothing(value, field) is not { } text) return;
        if (!IsTimeZone(text)) throw new InvalidInputException(field, $"'{Shown(text)}' is not an IANA time zone, such as Europe/Berlin");
    }

    private static void Name(object? value, string field)
    {
        if (TextOrNothing(value, field) is { } text) Text(text, LongestName, field);
    }

    /// <summary>Null and blank text are nothing: they clear the field.</summary>
    private static string? TextOrNothing(object? value, string field) => value switch
    {
        null => null,
        string text => string.IsNullOrWhiteSpace(text) ? null : text,
        _ => throw new InvalidInputException(field, "must be text"),
    };

    private static void Tags(object? value, string field)
    {
        if (value is null) return;
        if (value is not IReadOnlyList<object?> tags) throw new InvalidInputException(field, "must be a list of text");
        if (tags.Count > MostTags) throw new InvalidInputException(field, $"has {tags.Count} tags; at most {MostTags}");
        for (var i = 0; i < tags.Count; i++)
        {
            if (tags[i] is not string { Length: > 0 } tag) throw new InvalidInputException($"{field}[{i}]", "must be text, and not empty");
            Text(tag, LongestTag, $"{field}[{i}]");
        }
    }

    private static void Consents(object? value, string field)
    {
        if (value is null) return;
        if (value is not IReadOnlyDictionary<string, object?> consents) throw new InvalidInputException(field, "must be an object of purpose and true or false");
        if (consents.Count > MostPurposes) throw new InvalidInputException(field, $"has {consents.Count} purposes; at most {MostPurposes}");
        foreach (var (purpose, granted) in consents)
        {
            Purpose(purpose, $"{field}.{Shown(purpose)}");
            if (granted is not bool) throw new InvalidInputException($"{field}.{purpose}", "must be true or false");
        }
    }

    private static int Attributes(object? value, string field)
    {
        if (value is null) return 0;
        if (value is not IReadOnlyDictionary<string, object?> attributes) throw new InvalidInputException(field, "must be an object");
        var size = 0;
        foreach (var (name, member) in attributes) size += Attribute(name, member, $"{field}.{Shown(name)}");
        return size;
    }

    private static int Attribute(string name, object? value, string field)
    {
        if (name.Length == 0) throw new InvalidInputException(field, "an attribute has no name");
        Text(name, LongestAttributeName, field);
        return name.Length + Size(value, field, 0);
    }

    /// <summary>Roughly the bytes it takes as JSON.</summary>
    private static int Size(object? value, string field, int depth)
    {
        if (depth > DeepestAttribute) throw new InvalidInputException(field, $"is nested deeper than {DeepestAttribute} levels");
        switch (value)
        {
            case string text:
                Characters(text, field);
                return Encoding.UTF8.GetByteCount(text) + 2;
            case double number when !double.IsFinite(number):
                throw new InvalidInputException(field, "is a number beyond what can be kept");
            case IReadOnlyDictionary<string, object?> map:
                var members = 2;
                foreach (var (name, member) in map)
                {
                    Characters(name, field);
                    members += Encoding.UTF8.GetByteCount(name) + 4 + Size(member, field, depth + 1);
                }
                return members;
            case IReadOnlyList<object?> list:
                var items = 2;
                foreach (var item in list) items += 1 + Size(item, field, depth + 1);
                return items;
            default:
                return 8;
        }
    }

    private static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "…";

    [GeneratedRegex(@"^[a-z0-9_.-]{1,64}\z")]
    private static partial Regex PurposePattern();
}
