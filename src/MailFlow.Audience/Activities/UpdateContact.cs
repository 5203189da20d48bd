using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Audience.Activities;

/// <summary>Changes the contact's attributes and tags; the steps that follow see the change.</summary>
[Activity("MailFlow.UpdateContact", Category = "Contacts", DisplayName = "Update contact",
    Description = "Sets attributes of the contact, and adds and removes tags.")]
public sealed class UpdateContact(IContactStore store, IContactChanged announced) : BatchActivity<UpdateContact.Input>
{
    /// <summary>What to change.</summary>
    public sealed record Input(
        [Input("Attributes to set, by name; null removes one.")] IReadOnlyDictionary<string, object?>? Attributes = null,
        [Input("Tags to add.")] IReadOnlyList<string>? AddTags = null,
        [Input("Tags to remove.")] IReadOnlyList<string>? RemoveTags = null);

    /// <inheritdoc/>
    protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
    {
        var changes = new List<ContactChange>(steps.Count);
        var sound = new List<Step<Input>>(steps.Count);
        foreach (var step in steps)
        {
            if (ProblemOf(step) is { } problem)
            {
                step.Decide(StepResult.Fault(problem));
                continue;
            }
            sound.Add(step);
            changes.Add(new ContactChange(step.Context.Contact, FieldsOf(step.Input), step.Input.AddTags, step.Input.RemoveTags));
        }
        var changed = await store.ApplyAsync(steps.Session, changes, "journey", steps.Now.ToUnixTimeMilliseconds(), ct);
        // The contact's other trips may be waiting for an instant that depends on what has just changed.
        if (changed.Count > 0) await announced.AnnounceAsync(steps.Session, [.. changed.OrderBy(contact => contact.Id)], ct);
        var ids = changed.Select(contact => contact.Id).ToHashSet();
        foreach (var step in sound) step.Complete(text: ids.Contains(step.ContactId) ? Describe(step.Input) : "nothing to change");
    }

    private static Dictionary<string, object?> FieldsOf(Input input) =>
        input.Attributes is { Count: > 0 } attributes ? new() { [ContactFields.Attributes] = attributes } : [];

    /// <summary>What an event's fields are checked for at intake must hold for computed values too: one bad text would abort the batch.</summary>
    private static string? ProblemOf(Step<Input> step)
    {
        try
        {
            ContactFieldsCheck.Check(FieldsOf(step.Input), "");
            var tags = step.Context.Contact.Fields.GetValueOrDefault("tags") as IReadOnlyList<object?> ?? [];
            if (step.Input.AddTags is { Count: > 0 } added)
                ContactFieldsCheck.Check(new Dictionary<string, object?> { ["tags"] = tags.Except(step.Input.RemoveTags ?? []).Union(added).ToList() }, "");
            return null;
        }
        catch (InvalidInputException error)
        {
            return error.Message;
        }
    }

    private static string Describe(Input input)
    {
        var parts = new List<string>();
        if (input.Attributes is { Count: > 0 } attributes) parts.Add("set " + string.Join(", ", attributes.Keys));
        if (input.AddTags is { Count: > 0 } added) parts.Add("added tag " + string.Join(", ", added));
        if (input.RemoveTags is { Count: > 0 } removed) parts.Add("removed tag " + string.Join(", ", removed));
        return string.Join("; ", parts);
    }
}
