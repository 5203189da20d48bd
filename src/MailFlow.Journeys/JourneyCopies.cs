using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Journeys;

/// <summary>Makes new journeys out of what there is.</summary>
public sealed class JourneyCopies
{
    private const int LongestId = 100, LongestName = 200, MostCopies = 1_000;
    private readonly JourneyDefinitions _journeys;

    internal JourneyCopies(JourneyDefinitions journeys) => _journeys = journeys;

    /// <summary>Copies the latest version of a journey into a new one, as a draft.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">What to copy.</param>
    /// <param name="newId">The new journey's id; null makes one from the old.</param>
    /// <param name="newName">The new journey's name; null for "Copy of" the old one's.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is nothing to copy.</exception>
    /// <exception cref="ConflictException">There is a journey of the new id.</exception>
    public async Task<StoredDefinition> DuplicateAsync(int accountId, string definitionId, string? newId, string? newName, CancellationToken ct)
    {
        var latest = await _journeys.FindAsync(accountId, definitionId, null, ct) ?? throw new NotFoundException($"There is no journey '{definitionId}'.");
        return await CreateAsync(accountId, latest.Definition, newId, $"{definitionId}-copy", newName ?? CopyOf(latest.Definition), ct);
    }

    /// <summary>What a copy is called where nobody says.</summary>
    /// <param name="definition">What is copied.</param>
    public static string CopyOf(WorkflowDefinition definition)
    {
        const string before = "Copy of ";
        var name = definition.Name;
        return before + (name.Length + before.Length <= LongestName ? name : name[..(LongestName - before.Length)]);
    }

    /// <summary>Saves a definition as a new journey, as a draft.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definition">What it says.</param>
    /// <param name="newId">The new journey's id; null makes one from <paramref name="idLike"/>.</param>
    /// <param name="idLike">What an id that is made begins with; a number is added where there is such a journey.</param>
    /// <param name="newName">Its name; null for the definition's own.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">The id or the name cannot be taken.</exception>
    /// <exception cref="ConflictException">There is a journey of the new id.</exception>
    public async Task<StoredDefinition> CreateAsync(int accountId, WorkflowDefinition definition, string? newId, string idLike, string? newName, CancellationToken ct)
    {
        if (newName is { } name && (string.IsNullOrWhiteSpace(name) || name.Length > LongestName)) throw new InvalidInputException("name", $"must be 1 to {LongestName} characters");
        if (newId is not null && await _journeys.FindAsync(accountId, newId, null, ct) is not null) throw new ConflictException($"There is a journey '{newId}' already.");
        newId ??= await FreeIdAsync(accountId, idLike, ct);
        var document = definition.ToJsonObject();
        if (newName is not null)
        {
            foreach (var written in document.Select(member => member.Key).Where(key => key.Equals("name", StringComparison.OrdinalIgnoreCase)).ToList()) document.Remove(written);
            document["name"] = newName.Trim();
        }
        return await _journeys.SaveDraftAsync(accountId, newId, document.ToJsonString(), ct);
    }

    private async Task<string> FreeIdAsync(int accountId, string like, CancellationToken ct)
    {
        for (var number = 1; number <= MostCopies; number++)
        {
            var tail = number == 1 ? "" : $"-{number}";
            var id = like[..Math.Min(like.Length, LongestId - tail.Length)] + tail;
            if (await _journeys.FindAsync(accountId, id, null, ct) is null) return id;
        }
        throw new ConflictException($"There are {MostCopies} journeys called '{like}' already: give a definition_id.");
    }
}
