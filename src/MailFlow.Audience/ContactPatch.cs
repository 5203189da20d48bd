using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Audience;

/// <summary>All changes of one contact in a batch, merged in their order, and what of them is new.</summary>
internal sealed class ContactPatch
{
    private readonly IReadOnlyList<object?> _tagsBefore;
    private readonly IReadOnlyDictionary<string, object?> _attributesBefore;
    private readonly Dictionary<string, object?> _attributes = [];
    private readonly Dictionary<string, bool> _consents = [];
    private List<object?>? _tags;

    public ContactPatch(Contact contact)
    {
        Contact = contact;
        (Email, FirstName, LastName, TimeZone) = (contact.Text("email"), contact.Text("first_name"), contact.Text("last_name"), contact.Text("time_zone"));
        _tagsBefore = contact.Fields.GetValueOrDefault("tags") as IReadOnlyList<object?> ?? [];
        _attributesBefore = contact.Fields.GetValueOrDefault(ContactFields.Attributes) as IReadOnlyDictionary<string, object?> ?? JsonData.Empty;
    }

    public Contact Contact { get; }

    public string? Email { get; private set; }

    public string? FirstName { get; private set; }

    public string? LastName { get; private set; }

    public string? TimeZone { get; private set; }

    /// <summary>The attributes to patch, as JSON: a null member removes; null for none.</summary>
    public string? Attributes => _attributes.Count == 0 ? null : JsonData.Write(_attributes);

    /// <summary>All tags as JSON; null when they stay.</summary>
    public string? Tags => TagsChange ? JsonData.Write(_tags) : null;

    /// <summary>What was said of each purpose last; it may be the state already.</summary>
    public IReadOnlyDictionary<string, bool> Consents => _consents;

    /// <summary>Whether the contact's own row differs from before.</summary>
    public bool ChangesRow => _attributes.Count > 0 || TagsChange
        || Email != Contact.Text("email") || FirstName != Contact.Text("first_name")
        || LastName != Contact.Text("last_name") || TimeZone != Contact.Text("time_zone");

    private bool TagsChange => _tags is not null && !PlainValues.Same(_tags, _tagsBefore);

    public void Add(ContactChange change)
    {
        foreach (var (name, value) in change.Fields) Set(name, value);
        foreach (var tag in change.RemoveTags ?? []) (_tags ??= [.. _tagsBefore]).Remove(tag);
        AddTags(change.AddTags ?? []);
    }

    /// <summary>The fields as they are after the patch.</summary>
    public IReadOnlyDictionary<string, object?> Fields()
    {
        var attributes = new Dictionary<string, object?>(_attributesBefore);
        foreach (var (name, value) in _attributes)
            if (value is null) attributes.Remove(name);
            else attributes[name] = value;
        return ContactRecord.Fields(
            Contact.UserId, Email, FirstName, LastName, TimeZone, (DateTimeOffset)Contact.Fields["created_at"]!, _tags ?? _tagsBefore, attributes,
            Contact.Fields.GetValueOrDefault(ContactFields.LastOpenedAt) as DateTimeOffset?, Contact.Fields.GetValueOrDefault(ContactFields.LastClickedAt) as DateTimeOffset?);
    }

    private void Set(string name, object? value)
    {
        switch (name, value)
        {
            case ("email", _):
                if (Blank(value)) Email = null;
                else if (value is string email && EmailAddress.IsValid(email.Trim())) Email = email.Trim();
                break;
            case ("time_zone", _):
                if (Blank(value)) TimeZone = null;
                else if (value is string zone && ContactFieldsCheck.IsTimeZone(zone)) TimeZone = zone;
                break;
            case ("first_name", null or string):
                FirstName = Blank(value) ? null : (string?)value;
                break;
            case ("last_name", null or string):
                LastName = Blank(value) ? null : (string?)value;
                break;
            case ("tags", null or IReadOnlyList<object?>):
                _tags = [];
                AddTags((value as IReadOnlyList<object?> ?? []).OfType<string>());
                break;
            case ("consents", IReadOnlyDictionary<string, object?> consents):
                foreach (var (purpose, granted) in consents)
                    if (granted is bool flag && ContactFieldsCheck.IsPurpose(purpose)) _consents[purpose] = flag;
                break;
            case (ContactFields.Attributes, IReadOnlyDictionary<string, object?> attributes):
                foreach (var (attribute, member) in attributes) SetAttribute(attribute, member);
                break;
            case ("first_name" or "last_name" or "tags" or "consents" or ContactFields.Attributes or "user_id" or "created_at" or ContactFields.LastOpenedAt or ContactFields.LastClickedAt, _):
                break;
            default:
                SetAttribute(name, value);
                break;
        }
    }

    private static bool Blank(object? value) => value is null || (value is string text && string.IsNullOrWhiteSpace(text));

    private void SetAttribute(string name, object? value)
    {
        var stored = PlainValues.AsStored(value);
        if (PlainValues.Same(stored, _attributesBefore.GetValueOrDefault(name))) _attributes.Remove(name);
        else _attributes[name] = stored;
    }

    private void AddTags(IEnumerable<string> tags)
    {
        foreach (var tag in tags)
            if (ContactFieldsCheck.IsTag(tag) && !(_tags ??= [.. _tagsBefore]).Contains(tag)) _tags.Add(tag);
    }
}
