using System.Text;
using System.Text.Json.Nodes;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;
using MailFlow.Server.Access;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Saving and publishing as Studio does it.</summary>
internal sealed class StudioSaves(JourneyDefinitions journeys, StudioForm form, Authors authors)
{
    private const string Source = "Elsa Studio";

    private static readonly (string From, string To)[] Accented =
    [
        ("äàáâãåāăą", "a"), ("çćč", "c"), ("ďđ", "d"), ("ëèéêēęě", "e"), ("ğ", "g"), ("ïìíîīı", "i"), ("ł", "l"), ("ñńň", "n"), ("öòóôõøő", "o"),
        ("řŕ", "r"), ("śšş", "s"), ("ß", "ss"), ("ťţ", "t"), ("üùúûūůű", "u"), ("ýÿ", "y"), ("žźż", "z"), ("æ", "ae"), ("œ", "oe"),
    ];

    /// <summary>Saves a definition, and publishes it where that is asked for. A new one gets an id made of its name.</summary>
    /// <exception cref="RefusedException">It is not saved, or saved and not published: the messages say which and why.</exception>
    public async Task<StudioSave> SaveAsync(StudioRights rights, JsonObject model, bool publish, CancellationToken ct)
    {
        var token = EditingToken.Take(model);
        var guard = new SaveGuard(form, model, token);
        var id = model.Text("definitionId");
        var isNew = string.IsNullOrEmpty(id);
        if (isNew) (id, token) = (await NewIdAsync(rights.AccountId, model.Text("name"), ct), null);
        token ??= EditingToken.Open(default);
        var before = isNew ? null : await journeys.FindAsync(rights.AccountId, id!, null, ct);
        var saved = await journeys.SaveDraftAsync(rights.AccountId, id!,
            new Draft(isNew ? (_, _) => guard.Create() : guard.Decide, Source, await authors.NameAsync(rights.Caller, ct), token.Session), ct);
        if (publish) saved = await PublishAsync(rights, id!, ct);
        return new StudioSave(saved, token with { Seen = saved.Definition.ContentHash }, publish && before is { IsPublished: true } && before.Version == saved.Version);
    }

    /// <summary>Publishes the latest version.</summary>
    /// <exception cref="RefusedException">It cannot run: each finding is a message.</exception>
    public async Task<StoredDefinition> PublishAsync(StudioRights rights, string definitionId, CancellationToken ct)
    {
        if (!rights.MayPublish) throw new RefusedException("Your change is saved as a draft. To publish it, ask someone who may.");
        var result = await journeys.PublishAsync(rights.AccountId, definitionId, ct);
        if (!result.IsPublished)
        {
            throw new RefusedException([
                "Saved, but not published: this has to be put right first.",
                .. result.Findings.Where(finding => finding.Severity == Severity.Error).Select(finding => finding.Message),
            ]);
        }
        return (await journeys.FindAsync(rights.AccountId, definitionId, null, ct))!;
    }

    /// <summary>Saves a definition from a file: over the journey that has its id, else as a new one. What was there stays a revision.</summary>
    public async Task<StoredDefinition> ImportAsync(StudioRights rights, JsonObject document, CancellationToken ct)
    {
        EditingToken.Take(document);
        var definition = WorkflowDefinition.Parse(document.ToJsonString(ElsaJson.Compact));
        var id = definition.DefinitionId is { Length: > 0 } given ? given : await NewIdAsync(rights.AccountId, document.Text("name"), ct);
        return await journeys.SaveDraftAsync(rights.AccountId, id, Draft.Of(definition, "import", await authors.NameAsync(rights.Caller, ct)), ct);
    }

    /// <summary>"Welcome series" as <c>welcome-series</c>, or the next <c>welcome-series-2</c> that is free.</summary>
    public async Task<string> NewIdAsync(int accountId, string? name, CancellationToken ct)
    {
        var words = new StringBuilder();
        foreach (var letter in (name ?? "").ToLowerInvariant())
        {
            // By hand: without ICU, text is not taken apart into letters and accents.
            if (char.IsAsciiLetterOrDigit(letter)) words.Append(letter);
            else if (Accented.FirstOrDefault(group => group.From.Contains(letter)) is { To: { } plain }) words.Append(plain);
            else if (words.Length > 0 && words[^1] != '-') words.Append('-');
        }
        var stem = words.ToString(0, Math.Min(words.Length, 60)).Trim('-');
        if (stem.Length == 0) stem = "journey";
        for (var number = 1; ; number++)
        {
            var id = number == 1 ? stem : $"{stem}-{number}";
            if (await journeys.FindAsync(accountId, id, null, ct) is null) return id;
        }
    }
}

/// <summary>What a save came to.</summary>
/// <param name="Definition">As it is stored now.</param>
/// <param name="Token">What the editor has seen with the answer.</param>
/// <param name="AlreadyPublished">Whether there was nothing to publish.</param>
internal sealed record StudioSave(StoredDefinition Definition, EditingToken Token, bool AlreadyPublished);
